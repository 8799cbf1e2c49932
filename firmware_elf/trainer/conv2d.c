/* 2-D cross-correlation with stride 1 and zero padding. Twin of kernels/reference/conv2d.py.
 *
 * The border is cut off each window instead of being stored as zeros.
 */
#include "operations.h"
#include "scores.h"

struct range {
    int32_t from, to;
};

/* The offsets k of 0..window-1 for which start + k lies in 0..size-1. */
static inline struct range inside(int32_t start, int32_t window, int32_t size)
{
    struct range range = {start < 0 ? -start : 0, window};
    if (size - start < window)
        range.to = size - start;
    return range;
}

/* The sum of weight[i * step] * line[i]; rows of three, as most kernels have, without a loop. */
static inline int32_t product(const int8_t *weight, int32_t step, const int8_t *line,
                              int32_t count)
{
    if (count == 3)
        return weight[0] * line[0] + weight[step] * line[1] + weight[2 * step] * line[2];
    int32_t sum = 0;
    for (int32_t i = 0; i < count; i++)
        sum += weight[i * step] * line[i];
    return sum;
}

int32_t conv2d_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs);
    int32_t k = layer->window, channels = layer->in.channels;
    int32_t height = layer->in.height, width = layer->in.width;
    int32_t length = channels * k * k;
    const int8_t *filter = kept_rows(image, layer, 0, layer->out.channels, length);
    struct sink sink = open_sink(image, layer->outputs, layer->sums, layer->forward_shift);
    int32_t index = 0;
    for (int32_t o = 0; o < layer->out.channels; o++, filter += length) {
        for (int32_t y = 0; y < layer->out.height; y++) {
            int32_t top = y - layer->padding;
            struct range rows = inside(top, k, height);
            for (int32_t x = 0; x < layer->out.width; x++) {
                int32_t left = x - layer->padding;
                struct range columns = inside(left, k, width);
                int32_t width_inside = columns.to - columns.from;
                const int8_t *plane = inputs + left + columns.from;
                const int8_t *kernel = filter + columns.from;
                int32_t sum = 0;
                for (int32_t c = 0; c < channels; c++) {
                    for (int32_t ky = rows.from; ky < rows.to; ky++) {
                        const int8_t *line = plane + (top + ky) * width;
                        sum += product(kernel + ky * k, 1, line, width_inside);
                    }
                    plane += height * width;
                    kernel += k * k;
                }
                put(&sink, index++, sum);
            }
        }
    }
    return close_sink(&sink, index);
}

void conv2d_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *errors = at(image, layer->output_error);
    int32_t k = layer->window, channels = layer->in.channels, outputs = layer->out.channels;
    int32_t height = layer->out.height, width = layer->out.width;
    int32_t length = channels * k * k, turned = k - 1 - layer->padding;
    const int8_t *filters = kept_rows(image, layer, 0, outputs, length);
    struct sink sink = open_sink(image, layer->input_error, layer->sums, layer->backward_shift);
    int32_t index = 0;
    for (int32_t c = 0; c < channels; c++, filters += k * k) {
        for (int32_t y = 0; y < layer->in.height; y++) {
            int32_t top = y - turned;
            struct range rows = inside(top, k, height);
            for (int32_t x = 0; x < layer->in.width; x++) {
                int32_t left = x - turned;
                struct range columns = inside(left, k, width);
                int32_t width_inside = columns.to - columns.from;
                const int8_t *plane = errors + left + columns.from;
                const int8_t *last = filters + k * k - 1 - columns.from; /* walked backwards */
                int32_t sum = 0;
                for (int32_t o = 0; o < outputs; o++) {
                    for (int32_t ky = rows.from; ky < rows.to; ky++) {
                        const int8_t *line = plane + (top + ky) * width;
                        sum += product(last - ky * k, -1, line, width_inside);
                    }
                    plane += height * width;
                    last += length;
                }
                put(&sink, index++, sum);
            }
        }
    }
    close_sink(&sink, index);
}

/* The gradient of one weight: the error times the inputs that the weight met. */
static int32_t weight_gradient(const struct layer *layer, const int8_t *error, const int8_t *plane,
                               int32_t ky, int32_t kx)
{
    int32_t dy = ky - layer->padding, dx = kx - layer->padding;
    struct range rows = inside(dy, layer->out.height, layer->in.height);
    struct range columns = inside(dx, layer->out.width, layer->in.width);
    int32_t sum = 0;
    for (int32_t y = rows.from; y < rows.to; y++) {
        const int8_t *e = error + y * layer->out.width;
        const int8_t *line = plane + (y + dy) * layer->in.width + dx;
        for (int32_t x = columns.from; x < columns.to; x++)
            sum += e[x] * line[x];
    }
    return sum;
}

void conv2d_update(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs);
    const int8_t *error = at(image, layer->output_error);
    int32_t k = layer->window, channels = layer->in.channels, outputs = layer->out.channels;
    int32_t in_plane = layer->in.height * layer->in.width;
    int32_t out_plane = layer->out.height * layer->out.width;
    int32_t length = channels * k * k;
    bool dynamic = image->flags & DYNAMIC, nearest = image->flags & ROUND_NEAREST;
    int32_t *sums = at(image, layer->sums);
    for (int32_t o = 0; o < outputs; o++, error += out_plane) {
        struct edges edges = edges_of_row(image, layer, o, length);
        const int8_t *plane = inputs;
        int32_t column = 0, next = 0;
        for (int32_t c = 0; c < channels; c++, plane += in_plane) {
            for (int32_t ky = 0; ky < k; ky++) {
                for (int32_t kx = 0; kx < k; kx++, column++) {
                    if (next == edges.count || (edges.columns && edges.columns[next] != column))
                        continue;
                    int32_t gradient = weight_gradient(layer, error, plane, ky, kx);
                    if (image->flags & TRAINS_SCORES)
                        gradient *= edges.weights[column];
                    if (dynamic)
                        *sums++ = gradient;
                    else
                        descend(&edges.trained[next], gradient, layer->update_shift, nearest);
                    next++;
                }
            }
        }
    }
    if (dynamic) {
        int8_t *weights = at(image, layer->weights);
        int32_t count = outputs * length;
        sums -= count;
        int32_t shift = dynamic_update_shift(image, largest_magnitude(sums, count));
        for (int32_t i = 0; i < count; i++)
            descend(&weights[i], sums[i], shift, nearest);
    }
}
