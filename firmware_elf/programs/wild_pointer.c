/* One program error by choice of `mode`; each ends in a HardFault, which has no handler. */
#include <stdint.h>

#include "mode.h"
#include "print.h"

enum {
    MODE_NULL_CALL,
    MODE_UNALIGNED_LOAD,
    MODE_WRITE_FLASH,
    MODE_UNMAPPED,
    MODE_UNDEFINED,
    MODE_STACK_OVERFLOW
};

MODE_VARIABLE;

/* An address that the compiler knows nothing of. */
static uintptr_t opaque(uintptr_t address)
{
    __asm__ volatile("" : "+r"(address));
    return address;
}

__attribute__((noinline, noclone)) static uint32_t overflow(uint32_t n)
{
    volatile uint32_t frame[16];
    frame[0] = n;
    return n == UINT32_MAX ? 0 : overflow(n + 1) + frame[0];
}

int main(void)
{
    static uint32_t words[2];
    switch (mode) {
    case MODE_NULL_CALL:
        ((void (*)(void))opaque(0))();
        break;
    case MODE_UNALIGNED_LOAD:
        words[0] = *(volatile uint32_t *)opaque((uintptr_t)words + 1);
        break;
    case MODE_WRITE_FLASH:
        *(volatile uint32_t *)opaque(0x10000000) = 1;
        break;
    case MODE_UNMAPPED:
        words[0] = *(volatile uint32_t *)opaque(0x30000000);
        break;
    case MODE_UNDEFINED:
        __asm__ volatile(".short 0xde00"); /* UDF #0 */
        break;
    case MODE_STACK_OVERFLOW:
        words[0] = overflow(0);
        break;
    }
    print("survived\n");
    return 1;
}
