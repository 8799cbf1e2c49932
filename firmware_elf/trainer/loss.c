/* Gradient of the cross-entropy loss in integers. Twin of kernels/reference/loss.py. */
#include "operations.h"
#include "requantise.h"

#define LOG2_E 47274 /* log2(e) * 2^15 */
#define SERIES_EXPONENT (-7)
#define SMALLEST_EXPONENT (-24)
#define LARGEST_EXPONENT 16

/* 2^z - 1 with z = floor(logit * log2(e) * 2^s), lifted so that the largest is 10 and none is
 * below 0.
 */
static void powers_of_two(const int8_t *logits, int32_t count, int32_t s, int64_t *powers)
{
    int64_t largest = INT64_MIN;
    for (int32_t c = 0; c < count; c++) {
        int64_t scaled = (int64_t)logits[c] * LOG2_E;
        powers[c] = s > 15 ? scaled * (1 << (s - 15)) : scaled >> (15 - s);
        if (powers[c] > largest)
            largest = powers[c];
    }
    for (int32_t c = 0; c < count; c++) {
        int64_t z = powers[c] - (largest - 10);
        powers[c] = (1 << (z > 0 ? (int32_t)z : 0)) - 1;
    }
}

/* 1 + v + v^2/2 for the small v = logit * 2^s, times 2^(1-2s). */
static void powers_by_series(const int8_t *logits, int32_t count, int32_t s, int64_t *powers)
{
    for (int32_t c = 0; c < count; c++) {
        int64_t logit = logits[c];
        powers[c] = ((int64_t)1 << (1 - 2 * s)) + logit * ((int64_t)1 << (1 - s)) + logit * logit;
    }
}

void loss_gradient(const struct image *image, const struct layer *last, int32_t exponent,
                   int32_t label)
{
    const int8_t *logits = at(image, last->outputs);
    int8_t *error = at(image, last->output_error);
    int32_t count = last->out.channels;
    int64_t *powers = at(image, last->sums);
    int32_t s = exponent;
    if (s < SMALLEST_EXPONENT)
        s = SMALLEST_EXPONENT;
    if (s > LARGEST_EXPONENT)
        s = LARGEST_EXPONENT;
    if (s > SERIES_EXPONENT)
        powers_of_two(logits, count, s, powers);
    else
        powers_by_series(logits, count, s, powers);

    uint64_t total = 0;
    for (int32_t c = 0; c < count; c++)
        total += (uint64_t)powers[c];
    int32_t shares = 0;
    for (int32_t c = 0; c < count; c++) {
        powers[c] = (int64_t)(((uint64_t)powers[c] << 11) / total);
        shares += (int32_t)powers[c];
    }
    powers[label] -= shares;
    bool nearest = image->flags & ROUND_NEAREST;
    for (int32_t c = 0; c < count; c++)
        error[c] = (int8_t)clip(round_shift((int32_t)powers[c], 4, nearest));
}
