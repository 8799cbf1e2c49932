/* Recursion to a known depth; the program measures by SP how much stack it takes. */
#include <stdint.h>

#include "print.h"

enum { DEPTH = 100 };

static uintptr_t lowest;

static inline uintptr_t stack_pointer(void)
{
    uintptr_t sp;
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    return sp;
}

/* The sum of 1..n, with a call that the compiler cannot turn into a loop. */
__attribute__((noinline, noclone, optimize("no-optimize-sibling-calls"))) static uint32_t
descend(uint32_t n)
{
    volatile uint32_t mine = n; /* a place of its own in every frame */
    if (n == 0) {
        lowest = stack_pointer();
        return 0;
    }
    const uint32_t below = descend(n - 1);
    return below + mine;
}

int main(void)
{
    const uintptr_t top = stack_pointer();
    const uint32_t sum = descend(DEPTH);
    const uint32_t used = top - lowest;
    print_value("sum", (int32_t)sum);
    print_value("stack", (int32_t)used);
    print_value("frame", (int32_t)(used / (DEPTH + 1)));
    const int good = sum == DEPTH * (DEPTH + 1) / 2 && used % (DEPTH + 1) == 0;
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
