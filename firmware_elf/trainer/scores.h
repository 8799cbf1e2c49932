/* Edge-popup with fixed thresholds. Twin of kernels/reference/scores.py. */
#ifndef SCORES_H
#define SCORES_H

#include "edges.h"
#include "requantise.h"

/* Weights of `count` rows from `row` on, `length` each, as often as their edges count: the weights
 * themselves where no scores are trained, otherwise a copy in the layer's scratch.
 */
const int8_t *kept_rows(const struct image *image, const struct layer *layer, int32_t row,
                        int32_t count, int32_t length);

/* value = clip(value - g), g = clip(round(gradient / 2^shift)). */
static inline void descend(int8_t *value, int32_t gradient, int32_t shift, bool nearest)
{
    *value = (int8_t)clip(*value - clip(round_shift(gradient, shift, nearest)));
}

#endif
