/* The operations of a training step: each reads and writes the tensors its layer names. */
#ifndef OPERATIONS_H
#define OPERATIONS_H

#include "image.h"

/* Forward operations with weights return the shift that they applied. */
int32_t conv2d_forward(const struct image *image, const struct layer *layer);
void conv2d_backward(const struct image *image, const struct layer *layer);
void conv2d_update(const struct image *image, const struct layer *layer);

int32_t dense_forward(const struct image *image, const struct layer *layer);
void dense_backward(const struct image *image, const struct layer *layer);
void dense_update(const struct image *image, const struct layer *layer);

void relu_forward(const struct image *image, const struct layer *layer);
void relu_backward(const struct image *image, const struct layer *layer);

void max_pool2d_forward(const struct image *image, const struct layer *layer);
void max_pool2d_backward(const struct image *image, const struct layer *layer);

void loss_gradient(const struct image *image, const struct layer *last, int32_t exponent,
                   int32_t label);

#endif
