/* From int32 sums back to int8 values: NITI's roundings and scale. Twin of
 * kernels/reference/rounding.py.
 */
#ifndef REQUANTISE_H
#define REQUANTISE_H

#include <stdbool.h>
#include <stdint.h>

#include "image.h"

static inline int32_t clip(int32_t value)
{
    if (value > 127)
        return 127;
    if (value < -127)
        return -127;
    return value;
}

/* value / 2^shift, rounded on the magnitude so that it is symmetric about zero. */
static inline int32_t round_shift(int32_t value, int32_t shift, bool nearest)
{
    uint32_t magnitude = value < 0 ? -(uint32_t)value : (uint32_t)value;
    uint32_t kept = magnitude >> shift;
    uint32_t dropped = magnitude - (kept << shift);
    if (nearest) {
        kept += shift > 0 && (dropped << 1) >= (1u << shift);
    } else {
        int32_t half = shift >> 1;
        uint32_t upper = dropped >> half;
        uint32_t lower = (dropped - (upper << half)) << (shift & 1);
        kept += upper > lower;
    }
    return value < 0 ? -(int32_t)kept : (int32_t)kept;
}

static inline uint32_t magnitude_of(int32_t value)
{
    return value < 0 ? -(uint32_t)value : (uint32_t)value;
}

int32_t bit_width(uint32_t largest);
uint32_t largest_magnitude(const int32_t *sums, int32_t count);

/* The shift that leaves learning_rate_bits of the largest gradient. */
int32_t dynamic_update_shift(const struct image *image, uint32_t largest);

/* Where an operation puts its sums: with a static shift they become int8 at once, with a dynamic
 * one they wait in int32 until the largest is known.
 */
struct sink {
    int8_t *values;
    int32_t *sums; /* NULL with static shifts */
    int32_t shift;
    bool nearest;
};

struct sink open_sink(const struct image *image, uint32_t values, uint32_t sums, int32_t shift);

static inline void put(const struct sink *sink, int32_t index, int32_t sum)
{
    if (sink->sums)
        sink->sums[index] = sum;
    else
        sink->values[index] = (int8_t)clip(round_shift(sum, sink->shift, sink->nearest));
}

/* Settle what waits in the sink; returns the shift that was applied. */
int32_t close_sink(const struct sink *sink, int32_t count);

#endif
