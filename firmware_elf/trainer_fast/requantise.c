/* Twin of kernels/reference/rounding.py. */
#include "requantise.h"

#include <stddef.h>

#include "words.h"

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

uint32_t combined_magnitudes(const int32_t *sums, int32_t count)
{
    uint32_t combined = 0;
    for (const int32_t *end = sums + count; sums != end; sums++) {
        int32_t sign = *sums >> 31;
        combined |= (uint32_t)((*sums ^ sign) - sign);
    }
    return combined;
}

int32_t dynamic_update_shift(const struct image *image, uint32_t largest)
{
    int32_t shift = bit_width(largest) - image->learning_rate_bits;
    return shift > 0 ? shift : 0;
}

struct sink open_sink(const struct image *image, uint32_t values, uint32_t sums, int32_t shift)
{
    bool nearest = image->flags & ROUND_NEAREST;
    struct sink sink = {
        .values = at(image, values),
        .sums = image->flags & DYNAMIC ? at(image, sums) : NULL,
        .rounding = rounding_by(shift, nearest),
        .magnitudes = 0,
        .nearest = nearest,
    };
    return sink;
}

void put_row(struct sink *sink, int32_t index, const int32_t *sums, int32_t count)
{
    if (!sink->sums) {
        requantise(sums, sink->values + index, count, &sink->rounding);
        return;
    }
    sink->magnitudes |= combined_magnitudes(sums, count);
    int32_t *to = sink->sums + index;
    if (to != sums)
        for (const int32_t *end = sums + count; sums != end; sums++)
            *to++ = *sums;
}

void put_zeros(const struct sink *sink, int32_t count)
{
    if (sink->sums)
        clear(sink->sums, 4 * count);
    else
        clear(sink->values, whole_words(count)); /* buffers end on words */
}

int32_t close_sink(struct sink *sink, int32_t count)
{
    if (sink->sums) {
        int32_t shift = bit_width(sink->magnitudes) - 7;
        sink->rounding = rounding_by(shift > 0 ? shift : 0, sink->nearest);
        requantise(sink->sums, sink->values, count, &sink->rounding);
    }
    return (int32_t)sink->rounding.shift;
}
