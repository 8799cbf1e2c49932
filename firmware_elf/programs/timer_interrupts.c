/* All interrupt sources of a small program at once: four alarms, SysTick, PendSV and SVC, with
 * priorities. The program counts what arrives and checks the counts itself.
 */
#include "m0plus.h"
#include "print.h"
#include "timer.h"

enum { ALARM_ROUNDS = 5, SYSTICK_ROUNDS = 10, SVC_CALLS = 3, SYSTICK_PERIOD = 5000 };

static volatile int alarms[NUM_ALARMS], systicks, pendsvs, svcs;
static volatile int depth, deepest;
static volatile int pendsv_nested; /* PendSV must never interrupt an alarm */

static void enter(void)
{
    if (++depth > deepest)
        deepest = depth;
}

static void on_alarm(unsigned alarm)
{
    enter();
    timer_acknowledge(alarm);
    if (++alarms[alarm] < ALARM_ROUNDS)
        timer_arm(alarm, 100 * (alarm + 1));
    if (alarm == 0) { /* the lowest priority: the others come in between */
        scb_hw->icsr = M0PLUS_ICSR_PENDSVSET_BITS;
        busy_wait_us_32(150);
    }
    depth--;
}

void isr_irq0(void) { on_alarm(0); }
void isr_irq1(void) { on_alarm(1); }
void isr_irq2(void) { on_alarm(2); }
void isr_irq3(void) { on_alarm(3); }

void isr_pendsv(void)
{
    pendsv_nested += depth;
    pendsvs++;
}

void isr_systick(void)
{
    enter();
    if (++systicks == SYSTICK_ROUNDS)
        systick_hw->csr = 0;
    depth--;
}

/* The exception frame holds the caller's r0-r3; the result goes back in r0. */
__attribute__((used)) static void count_svc(uint32_t *frame)
{
    svcs++;
    frame[0] += frame[1];
}

__attribute__((naked)) void isr_svcall(void)
{
    __asm__("mov r0, sp\n"
            "ldr r1, =count_svc\n"
            "bx r1\n"
            ".pool\n");
}

static uint32_t supervisor_add(uint32_t a, uint32_t b)
{
    register uint32_t first __asm__("r0") = a;
    register uint32_t second __asm__("r1") = b;
    __asm__ volatile("svc #7" : "+r"(first) : "r"(second) : "memory");
    return first;
}

int main(void)
{
    int good = 1;
    scb_hw->shpr3 = 0xc0u << 16 | 0x40u << 24; /* PendSV last, SysTick second */
    for (unsigned alarm = 0; alarm < NUM_ALARMS; alarm++) {
        irq_set_priority(alarm, 0xc0 - 0x40 * alarm); /* alarm 3 first */
        irq_set_enabled(alarm, 1);
        timer_arm(alarm, 100 * (alarm + 1));
    }
    systick_start(SYSTICK_PERIOD - 1, M0PLUS_SYST_CSR_TICKINT_BITS);
    for (uint32_t call = 0; call < SVC_CALLS; call++)
        good &= supervisor_add(40 + call, 2) == 42 + call;
    for (unsigned alarm = 0; alarm < NUM_ALARMS; alarm++)
        sleep_while(alarms[alarm] < ALARM_ROUNDS);
    sleep_while(systicks < SYSTICK_ROUNDS);
    for (unsigned alarm = 0; alarm < NUM_ALARMS; alarm++) {
        print_value("alarm", alarms[alarm]);
        good &= alarms[alarm] == ALARM_ROUNDS;
    }
    print_value("systick", systicks);
    print_value("pendsv", pendsvs);
    print_value("pendsv nested", pendsv_nested);
    print_value("svc", svcs);
    print(deepest >= 2 ? "nested yes\n" : "nested no\n");
    good &= systicks == SYSTICK_ROUNDS && pendsvs == ALARM_ROUNDS && pendsv_nested == 0;
    good &= svcs == SVC_CALLS && deepest >= 2;
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
