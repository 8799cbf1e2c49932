/* Maximum over disjoint square windows. Twin of kernels/reference/max_pool2d.py. */
#include "operations.h"

#include <string.h>

void max_pool2d_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *plane = at(image, layer->inputs);
    int8_t *output = at(image, layer->outputs);
    int32_t size = layer->window, width = layer->in.width;
    for (int32_t c = 0; c < layer->out.channels; c++) {
        for (int32_t y = 0; y < layer->out.height; y++) {
            for (int32_t x = 0; x < layer->out.width; x++) {
                const int8_t *corner = plane + y * size * width + x * size;
                int32_t largest = *corner;
                for (int32_t dy = 0; dy < size; dy++)
                    for (int32_t dx = 0; dx < size; dx++)
                        if (corner[dy * width + dx] > largest)
                            largest = corner[dy * width + dx];
                *output++ = (int8_t)largest;
            }
        }
        plane += layer->in.height * width;
    }
}

/* The window's error goes to its first largest element, row by row. */
static void route(const int8_t *corner, int32_t largest, int8_t error, int8_t *error_corner,
                  int32_t size, int32_t width)
{
    for (int32_t dy = 0; dy < size; dy++) {
        for (int32_t dx = 0; dx < size; dx++) {
            if (corner[dy * width + dx] == largest) {
                error_corner[dy * width + dx] = error;
                return;
            }
        }
    }
}

void max_pool2d_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *plane = at(image, layer->inputs);
    const int8_t *output = at(image, layer->outputs);
    const int8_t *output_error = at(image, layer->output_error);
    int8_t *input_error = at(image, layer->input_error);
    int32_t size = layer->window, width = layer->in.width;
    memset(input_error, 0, (size_t)elements(layer->in));
    for (int32_t c = 0; c < layer->out.channels; c++) {
        for (int32_t y = 0; y < layer->out.height; y++) {
            for (int32_t x = 0; x < layer->out.width; x++) {
                int32_t corner = y * size * width + x * size;
                route(plane + corner, *output++, *output_error++, input_error + corner, size,
                      width);
            }
        }
        plane += layer->in.height * width;
        input_error += layer->in.height * width;
    }
}
