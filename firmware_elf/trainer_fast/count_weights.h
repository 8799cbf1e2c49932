/* Weights as often as their edges count: what a convolution of PRIOT ternary multiplies with. */
#ifndef COUNT_WEIGHTS_H
#define COUNT_WEIGHTS_H

#include "image.h"

/* Copy all weights of a convolution to the layer's `kept`, as often as they count. */
void count_weights(const struct image *image, const struct layer *layer);

#endif
