/* ReLU, in place in both directions. Twin of kernels/reference/relu.py. */
#include "operations.h"

void relu_forward(const struct image *image, const struct layer *layer)
{
    int8_t *values = at(image, layer->outputs);
    int32_t count = elements(layer->out);
    for (int32_t i = 0; i < count; i++)
        if (values[i] < 0)
            values[i] = 0;
}

void relu_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *outputs = at(image, layer->outputs);
    int8_t *error = at(image, layer->output_error);
    int32_t count = elements(layer->out);
    for (int32_t i = 0; i < count; i++)
        if (outputs[i] <= 0)
            error[i] = 0;
}
