/* The two backward operations of a 3x3 convolution, over a list of errors that are not zero
 * (nonzero.h) which 0 ends.
 */
#ifndef CONV2D_ERRORS_H
#define CONV2D_ERRORS_H

#include <stdint.h>

/* Add each error, spread by a kernel (3,3), to the sums at its place; returns what follows the 0. */
const uint32_t *conv2d_spread(const uint32_t *list, const int8_t *kernel, int32_t *sums,
                              int32_t pitch);

/* gradients (3,3): for each weight, the errors times the inputs that it met. */
void conv2d_gather(const uint32_t *list, const int8_t *inputs, int32_t pitch, int32_t *gradients);

#endif
