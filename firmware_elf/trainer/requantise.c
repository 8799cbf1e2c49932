#include "requantise.h"

#include <stddef.h>

int32_t bit_width(uint32_t largest)
{
    int32_t bits = 0;
    while (largest) {
        largest >>= 1;
        bits++;
    }
    return bits;
}

uint32_t largest_magnitude(const int32_t *sums, int32_t count)
{
    uint32_t largest = 0;
    for (int32_t i = 0; i < count; i++) {
        uint32_t magnitude = magnitude_of(sums[i]);
        if (magnitude > largest)
            largest = magnitude;
    }
    return largest;
}

int32_t dynamic_update_shift(const struct image *image, uint32_t largest)
{
    int32_t shift = bit_width(largest) - image->learning_rate_bits;
    return shift > 0 ? shift : 0;
}

struct sink open_sink(const struct image *image, uint32_t values, uint32_t sums, int32_t shift)
{
    struct sink sink = {
        .values = at(image, values),
        .sums = image->flags & DYNAMIC ? at(image, sums) : NULL,
        .shift = shift,
        .nearest = image->flags & ROUND_NEAREST,
    };
    return sink;
}

int32_t close_sink(const struct sink *sink, int32_t count)
{
    if (!sink->sums)
        return sink->shift;
    int32_t shift = bit_width(largest_magnitude(sink->sums, count)) - 7;
    if (shift < 0)
        shift = 0;
    for (int32_t i = 0; i < count; i++)
        sink->values[i] = (int8_t)clip(round_shift(sink->sums[i], shift, sink->nearest));
    return shift;
}
