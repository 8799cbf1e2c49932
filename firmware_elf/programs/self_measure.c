/* Measures code of known length with SysTick. The code lies in SRAM in all link types, where an
 * instruction takes the cycles of the manual (Arm DDI0484, table 3-1) and nothing else.
 */
#include "m0plus.h"
#include "print.h"

#define REPEATED(count, instruction) ".rept " #count "\n" instruction "\n.endr\n"

/* uint32_t name(void): cycles between two reads of SysTick with `code` in between. */
#define MEASURED(name, code)                                                         \
    __attribute__((naked, noinline, section(".time_critical." #name))) static uint32_t name(void) \
    {                                                                                \
        __asm__("push {r4-r7, lr}\n"                                                 \
                "ldr r4, =0xe000e018\n" /* SYST_CVR */                               \
                "mov r5, sp\n"                                                       \
                "movs r1, #10\n"                                                     \
                "ldr r6, [r4]\n" code "ldr r7, [r4]\n"                               \
                "subs r0, r6, r7\n"                                                  \
                "lsls r0, #8\n" /* the counter has 24 bits */                        \
                "lsrs r0, #8\n"                                                      \
                "pop {r4-r7, pc}\n"                                                  \
                ".pool\n");                                                          \
    }

MEASURED(nothing, "")
MEASURED(nops, REPEATED(100, "nop"))
MEASURED(multiplications, REPEATED(100, "muls r0, r1"))
MEASURED(loads, REPEATED(100, "ldr r0, [r5]"))
MEASURED(stores, REPEATED(100, "push {r0}\nadd sp, #4"))
MEASURED(multiple, REPEATED(20, "push {r0-r3}\npop {r0-r3}"))
MEASURED(loop, "1: subs r1, #1\nbne 1b\n")
MEASURED(branches, REPEATED(50, "b 1f\n1:"))
MEASURED(calls, REPEATED(10, "bl 2f\nb 3f\n2: bx lr\n3:"))
MEASURED(barriers, REPEATED(10, "dmb\ndsb\nisb"))

static const struct {
    const char *name;
    uint32_t (*measured)(void);
    uint32_t expected;
} experiments[] = {
    {"nops", nops, 100 * 1},
    {"multiplications", multiplications, 100 * 1},
    {"loads", loads, 100 * 2},
    {"stores", stores, 100 * (2 + 1)},
    {"multiple", multiple, 20 * (5 + 5)},
    {"loop", loop, 10 * 1 + 9 * 2 + 1},
    {"branches", branches, 50 * 2},
    {"calls", calls, 10 * (3 + 2 + 2)},
    {"barriers", barriers, 10 * (3 + 3 + 3)},
};

int main(void)
{
    int good = 1;
    systick_start(M0PLUS_SYST_MAX, 0);
    const uint32_t overhead = nothing(); /* of the reads themselves */
    print_value("overhead", (int32_t)overhead);
    for (unsigned i = 0; i < sizeof(experiments) / sizeof(experiments[0]); i++) {
        const uint32_t cycles = experiments[i].measured() - overhead;
        print_value(experiments[i].name, (int32_t)cycles);
        good &= cycles == experiments[i].expected;
    }
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
