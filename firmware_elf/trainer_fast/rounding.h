/* One form for both roundings of kernels/reference/rounding.py, in eight instructions without a
 * branch on the way of rounding.
 *
 * Let t be the dropped bits of a magnitude, shifted to the top of a word. Pseudo-stochastic rounding
 * goes up where the upper half U of the dropped bits exceeds the lower half L (doubled where their
 * number is odd). `t << cut` has L at the top, so U > L is t > (t << cut) + ones, with `ones` below
 * the bits of U: what follows U in t cannot decide, and the sum cannot overflow. Rounding to nearest
 * goes up where the first dropped bit is set: the same with nothing left of L, and ones = 2^31 - 1.
 */
#ifndef ROUNDING_H
#define ROUNDING_H

#include <stdbool.h>
#include <stdint.h>

struct rounding {
    uint32_t shift;
    uint32_t left; /* 32 - shift: brings the dropped bits to the top */
    uint32_t cut;  /* bits of U, at most 31 */
    uint32_t ones;
};

struct rounding rounding_by(int32_t shift, bool nearest);

/* By 32 too, which gives 0: in C that is undefined. */
static inline uint32_t shifted_left(uint32_t value, uint32_t bits)
{
    __asm__("lsls %0, %1" : "+l"(value) : "l"(bits) : "cc");
    return value;
}

/* magnitude / 2^shift, rounded and limited to 127. */
static inline int32_t rounded(uint32_t magnitude, const struct rounding *rounding)
{
    uint32_t dropped = shifted_left(magnitude, rounding->left);
    uint32_t kept = magnitude >> rounding->shift;
    if (dropped > (dropped << rounding->cut) + rounding->ones)
        kept++;
    return kept > 127 ? 127 : (int32_t)kept;
}

/* value = clip(value - g), g = clip(round(gradient / 2^shift)). */
static inline void descend_by(int8_t *value, int32_t gradient, const struct rounding *rounding)
{
    int32_t next = *value;
    if (gradient < 0) {
        next += rounded(-(uint32_t)gradient, rounding);
        if (next > 127)
            next = 127;
    } else {
        next -= rounded((uint32_t)gradient, rounding);
        if (next < -127)
            next = -127;
    }
    *value = (int8_t)next;
}

#endif
