/* A dense layer whose edges count 0, 1 or 2 times (PRIOT ternary). It has kernels of its own, so that
 * a second threshold costs no other method a cycle in them.
 */
#ifndef DENSE_TERNARY_H
#define DENSE_TERNARY_H

#include "image.h"

int32_t dense_ternary_forward(const struct image *image, const struct layer *layer);

void dense_ternary_backward(const struct image *image, const struct layer *layer);

/* Add rows, which a list ended by 0 names (dense_columns.h), times their errors to `count` sums. */
void add_ternary_rows(const struct image *image, const uint32_t *list, const int8_t *weights,
                      const int8_t *scores, int32_t *sums, int32_t count);

#endif
