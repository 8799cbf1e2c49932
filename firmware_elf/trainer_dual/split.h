/* How a layer is parted between the cores. A part of a layer is a layer: some of its output channels
 * with their rows of weights, so that the kernels of the fast variant need not know of it.
 */
#ifndef SPLIT_H
#define SPLIT_H

#include <stdbool.h>

#include "cores.h"
#include "words.h"

/* Scratch that only this variant has, an entry for each layer behind the image's layer table. */
struct more_scratch {
    uint32_t sums;   /* for core 1, what the layer's `sums` are for core 0 */
    uint32_t packed; /* int8: a convolution's weights, parted by its input channels */
};

const struct more_scratch *more_scratch_of(const struct image *image, const struct layer *layer);

/* How many of `count` core 0 takes: about half. Fours keep every buffer's part on words, filters in
 * pairs and rows of a dense layer in fours. All where there is nothing left for core 1.
 */
static inline int32_t first_half(int32_t count)
{
    int32_t half = ((count >> 1) + 3) & ~3;
    return half < count ? half : count;
}

/* A part that is the whole layer so far: by words, where an assignment would call memcpy(). */
static inline void begin_part(struct part *part, void (*run)(struct part *part),
                              const struct image *image, const struct layer *layer)
{
    part->run = run;
    part->image = image;
    word *to = (word *)&part->layer;
    const word *from = (const word *)layer, *end = (const word *)(layer + 1);
    while (from != end)
        *to++ = *from++;
}

/* Part a layer by its output channels; false where it has too few of them. */
bool split_outputs(const struct image *image, const struct layer *layer, struct part parts[2],
                   void (*run)(struct part *part));

/* Part a layer without weights by its channels, those of its inputs and of its outputs. */
bool split_channels(const struct image *image, const struct layer *layer, struct part parts[2],
                    void (*run)(struct part *part));

#endif
