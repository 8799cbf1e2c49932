/* Maximum over disjoint square windows. Twin of kernels/reference/max_pool2d.py. */
#include "operations.h"
#include "words.h"

static int32_t larger(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* One row of 2 x 2 windows on even addresses; windows of zeros are frequent behind a ReLU. */
static int8_t *row_of_pairs(const int8_t *row, int32_t width, int32_t count, int8_t *output)
{
    for (int8_t *end = output + count; output != end; output++, row += 2) {
        uint32_t top = *(const halfword *)row, bottom = *(const halfword *)(row + width);
        int32_t largest = 0;
        if (top | bottom)
            largest = larger(larger((int8_t)top, (int16_t)top >> 8),
                             larger((int8_t)bottom, (int16_t)bottom >> 8));
        *output = (int8_t)largest;
    }
    return output;
}

static int32_t largest_of(const int8_t *corner, int32_t size, int32_t width)
{
    int32_t largest = *corner;
    for (int32_t dy = 0; dy < size; dy++, corner += width)
        for (int32_t dx = 0; dx < size; dx++)
            largest = larger(largest, corner[dx]);
    return largest;
}

void max_pool2d_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *plane = at(image, layer->inputs);
    int8_t *output = at(image, layer->outputs);
    int32_t size = layer->window, width = layer->in.width;
    bool pairs = size == 2 && (width & 1) == 0;
    for (int32_t c = 0; c < layer->out.channels; c++, plane += layer->in.height * width) {
        const int8_t *row = plane;
        for (int32_t y = 0; y < layer->out.height; y++, row += size * width) {
            if (pairs)
                output = row_of_pairs(row, width, layer->out.width, output);
            else
                for (int32_t x = 0; x < layer->out.width; x++)
                    *output++ = (int8_t)largest_of(row + x * size, size, width);
        }
    }
}

/* The window's error goes to its first largest element, row by row: where that is. */
static int32_t place_of(int32_t largest, const int8_t *corner, int32_t size, int32_t width)
{
    if (corner[0] == largest)
        return 0;
    for (int32_t start = 0;; start += width)
        for (int32_t place = start; place != start + size; place++)
            if (corner[place] == largest)
                return place;
}

void max_pool2d_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *row = at(image, layer->inputs);
    const int8_t *output = at(image, layer->outputs);
    const int8_t *error = at(image, layer->output_error);
    int8_t *error_row = at(image, layer->input_error);
    int32_t size = layer->window, width = layer->in.width;
    int32_t left_over = (layer->in.height - layer->out.height * size) * width;
    clear(error_row, whole_words(elements(layer->in))); /* buffers end on words */
    if (all_zero(error, elements(layer->out)))
        return;
    for (int32_t c = 0; c < layer->out.channels; c++) {
        for (int32_t y = 0; y < layer->out.height; y++) {
            for (int32_t x = 0; x < layer->out.width; x++, output++, error++)
                if (*error)
                    error_row[x * size + place_of(*output, row + x * size, size, width)] = *error;
            row += size * width;
            error_row += size * width;
        }
        row += left_over;
        error_row += left_over;
    }
}
