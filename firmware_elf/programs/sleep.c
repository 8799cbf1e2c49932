/* Sleeping until an alarm with WFI and WFE, and waiting by reading the timer. */
#include "m0plus.h"
#include "print.h"
#include "timer.h"

static volatile int fired;

void isr_irq0(void)
{
    timer_acknowledge(0);
    fired = 1;
}

static uint32_t sleep_wfi(uint32_t delay_us)
{
    const uint32_t start = time_us_32();
    fired = 0;
    timer_arm(0, delay_us);
    sleep_while(!fired);
    return time_us_32() - start;
}

/* The interrupt stays pending: with SEVONPEND that is an event. */
static uint32_t sleep_wfe(uint32_t delay_us)
{
    const uint32_t start = time_us_32();
    scb_hw->scr = M0PLUS_SCR_SEVONPEND_BITS;
    irq_set_enabled(1, 0);
    nvic_icpr = 1u << 1;
    __sev();
    __wfe(); /* no old event is left */
    timer_arm(1, delay_us);
    while (!(timer_hw->intr & 1u << 1))
        __wfe();
    timer_acknowledge(1);
    nvic_icpr = 1u << 1;
    scb_hw->scr = 0;
    return time_us_32() - start;
}

static int show(const char *name, uint32_t elapsed, uint32_t asked)
{
    print(name);
    print_value(" microseconds", (int32_t)elapsed);
    return elapsed >= asked && elapsed <= asked + 10;
}

int main(void)
{
    irq_set_enabled(0, 1);
    int good = show("wfi", sleep_wfi(1000), 1000);
    good &= show("wfi", sleep_wfi(250000), 250000);
    good &= show("wfe", sleep_wfe(2000), 2000);
    const uint64_t start = time_us_64();
    busy_wait_us_32(500);
    good &= show("busy wait", (uint32_t)(time_us_64() - start), 500);
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
