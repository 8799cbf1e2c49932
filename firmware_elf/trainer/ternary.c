/* The usual operations: kept_rows() gives them the weights as often as they count. */
#include "ternary.h"

#include "operations.h"

int32_t ternary_forward(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_CONV2D)
        return conv2d_forward(image, layer);
    return dense_forward(image, layer);
}

void ternary_backward(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_CONV2D)
        conv2d_backward(image, layer);
    else
        dense_backward(image, layer);
}

void ternary_update(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_CONV2D)
        conv2d_update(image, layer);
    else
        dense_update(image, layer);
}
