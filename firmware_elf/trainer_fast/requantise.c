/* Twin of kernels/requantise.py and kernels/rounding.py. */
#include "requantise.h"

struct rounding rounding_by(int32_t shift, bool nearest)
{
    uint32_t cut = ((uint32_t)shift + 1) >> 1;
    struct rounding rounding = {
        .shift = (uint32_t)shift,
        .left = 32 - (uint32_t)shift,
        .cut = nearest ? 31 : cut,
        .ones = nearest ? INT32_MAX : UINT32_MAX >> cut,
    };
    return rounding;
}

static int32_t bit_width(uint32_t largest)
{
    int32_t bits = 0;
    for (; largest; largest >>= 1)
        bits++;
    return bits;
}

uint32_t largest_magnitude(const int32_t *sums, int32_t count)
{
    int32_t largest = 0, smallest = 0;
    for (const int32_t *end = sums + count; sums != end; sums++) {
        if (*sums > largest)
            largest = *sums;
        else if (*sums < smallest)
            smallest = *sums;
    }
    return (uint32_t)(largest > -smallest ? largest : -smallest);
}

int32_t dynamic_update_shift(const struct image *image, uint32_t largest)
{
    int32_t shift = bit_width(largest) - image->learning_rate_bits;
    return shift > 0 ? shift : 0;
}

int32_t settle(const struct image *image, const int32_t *sums, int8_t *values, int32_t count,
               int32_t shift)
{
    if (image->flags & DYNAMIC) {
        shift = bit_width(largest_magnitude(sums, count)) - 7;
        if (shift < 0)
            shift = 0;
    }
    struct rounding rounding = rounding_by(shift, image->flags & ROUND_NEAREST);
    requantise(sums, values, count, &rounding);
    return shift;
}
