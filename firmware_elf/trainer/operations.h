/* The operations of a training step: each reads and writes the tensors its layer names. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "image.h"

/* Each one's kind of layer, and what the names of its functions and source files begin with. Both
 * lists are generated from kernels/operations/; build.py reads them too.
 */
#define OPERATIONS_WITH_WEIGHTS(each) \
    each(CONV2D, conv2d) \
    each(DENSE, dense)

#define OPERATIONS_WITHOUT_WEIGHTS(each) \
    each(RELU, relu) \
    each(MAX_POOL2D, max_pool2d)

/* NAME_forward() returns the shift that it applied. */
#define DECLARE_WITH_WEIGHTS(KIND, name) \
    int32_t name##_forward(const struct image *image, const struct layer *layer); \
    void name##_backward(const struct image *image, const struct layer *layer); \
    void name##_update(const struct image *image, const struct layer *layer);
OPERATIONS_WITH_WEIGHTS(DECLARE_WITH_WEIGHTS)

#define DECLARE_WITHOUT_WEIGHTS(KIND, name) \
    void name##_forward(const struct image *image, const struct layer *layer); \
    void name##_backward(const struct image *image, const struct layer *layer);
OPERATIONS_WITHOUT_WEIGHTS(DECLARE_WITHOUT_WEIGHTS)

void loss_gradient(const struct image *image, const struct layer *last, int32_t exponent,
                   int32_t label);

#endif
