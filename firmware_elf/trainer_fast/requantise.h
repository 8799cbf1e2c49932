/* From int32 sums back to int8 values, a row or a tensor at a time. */
#ifndef FAST_REQUANTISE_H
#define FAST_REQUANTISE_H

#include "image.h"
#include "rounding.h"

/* values = clip(round(sums / 2^shift)), `count` of them; a sum of 0 is passed over quickly. */
void requantise(const int32_t *sums, int8_t *values, int32_t count,
                const struct rounding *rounding);

/* The same with the dynamic scale's shift, which is returned; a static `shift` where the image has
 * static ones.
 */
int32_t settle(const struct image *image, const int32_t *sums, int8_t *values, int32_t count,
               int32_t shift);

uint32_t largest_magnitude(const int32_t *sums, int32_t count);

/* The shift that leaves learning_rate_bits of the largest gradient. */
int32_t dynamic_update_shift(const struct image *image, uint32_t largest);

#endif
