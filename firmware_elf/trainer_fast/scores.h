/* Edge-popup with a fixed threshold. Twin of kernels/reference/scores.py. */
#ifndef FAST_SCORES_H
#define FAST_SCORES_H

#include <stdbool.h>

#include "edges.h"

/* Whether every edge has a score that decides about it. */
static inline bool all_scored(const struct image *image)
{
    return (image->flags & (TRAINS_SCORES | SPARSE_SCORES)) == TRAINS_SCORES;
}

/* The weights of a convolution with 0 for every pruned edge, `rows` of `length`: the weights
 * themselves where no scores are trained, otherwise a copy in the layer's scratch.
 */
const int8_t *kept_weights(const struct image *image, const struct layer *layer, int32_t rows,
                           int32_t length);

#endif
