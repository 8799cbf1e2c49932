/* From int32 sums back to int8 values, a row or a tensor at a time. */
#ifndef FAST_REQUANTISE_H
#define FAST_REQUANTISE_H

#include "image.h"
#include "rounding.h"

/* values = clip(round(sums / 2^shift)), `count` of them; a sum of 0 is passed over quickly. */
void requantise(const int32_t *sums, int8_t *values, int32_t count,
                const struct rounding *rounding);

/* Where an operation puts its sums, a row at a time: with a static shift they become int8 at once,
 * with a dynamic one they wait in int32 until the largest is known.
 */
struct sink {
    int8_t *values;
    int32_t *sums; /* NULL with static shifts */
    struct rounding rounding;
    uint32_t magnitudes; /* of what waits, combined */
    bool nearest;
};

struct sink open_sink(const struct image *image, uint32_t values, uint32_t sums, int32_t shift);

void put_row(struct sink *sink, int32_t index, const int32_t *sums, int32_t count);

/* Sums of 0 for the first `count`: what is put later replaces them. */
void put_zeros(const struct sink *sink, int32_t count);

/* Settle what waits in the sink; returns the shift that was applied. */
int32_t close_sink(struct sink *sink, int32_t count);

/* As wide as the largest magnitude: all of them, bit by bit "or". */
uint32_t combined_magnitudes(const int32_t *sums, int32_t count);

/* The shift that leaves learning_rate_bits of the largest gradient. */
int32_t dynamic_update_shift(const struct image *image, uint32_t largest);

#endif
