/* Vector table and the way from reset to main. */
#include <stdint.h>

#include "halt.h"

extern uint32_t __StackTop;
extern uint32_t __bss_start__, __bss_end__;

int main(void);

void _entry_point(void)
{
    for (uint32_t *word = &__bss_start__; word < &__bss_end__; word++)
        *word = 0;
    main();
    for (;;)
        halt(HALT_EXIT);
}

static void unexpected_exception(void)
{
    for (;;)
        halt(HALT_EXCEPTION);
}

/* 16 entries of the core (Arm DDI0419, B1.5.3) and the RP2040's 26 interrupts. */
__attribute__((section(".vectors"), used)) static const void *const vectors[16 + 26] = {
    [0] = &__StackTop,
    [1] = (const void *)_entry_point,
    [2 ... 3] = (const void *)unexpected_exception,
    [11] = (const void *)unexpected_exception,
    [14 ... 41] = (const void *)unexpected_exception,
};
