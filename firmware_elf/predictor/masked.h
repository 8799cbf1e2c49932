/* Forward operations on weights of which a packed mask says which are kept: one bit for every edge. */
#ifndef MASKED_H
#define MASKED_H

#include "image.h"

/* In an image's flags: scores are such a mask, each row from a new byte on, the lowest bit first. */
#define PACKED_MASK 64

/* The forward operation of a layer with weights and static scales; returns the shift it applied. */
int32_t masked_forward(const struct image *image, const struct layer *layer);

#endif
