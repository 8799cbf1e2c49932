/* 2-D cross-correlation with stride 1 and zero padding. Twin of kernels/reference/conv2d.py.
 *
 * Planes are copied with their padding, so that no window needs to be cut. The forward pass gathers
 * every window; the two backward operations walk lists of the errors that are not zero.
 */
#include "conv2d_errors.h"
#include "conv2d_pair.h"
#include "nonzero.h"
#include "operations.h"
#include "requantise.h"
#include "scores.h"
#include "words.h"

#include <stddef.h>

/* Copy planes (C,H,W) into zeroed memory of `size` bytes, a multiple of 4, with a border of
 * `padding`; returns the smallest value met, or 0.
 */
static int32_t pad(const int8_t *planes, struct shape shape, int32_t padding, int32_t plane_step,
                   int32_t row_step, int8_t *padded, int32_t size)
{
    clear(padded, size);
    int32_t signs = 0;
    for (int32_t c = 0; c < shape.channels; c++) {
        int8_t *row = padded + c * plane_step + padding * row_step + padding;
        for (int32_t y = 0; y < shape.height; y++, row += row_step) {
#pragma GCC unroll 7
            for (int32_t x = 0; x < shape.width; x++) {
                int32_t value = planes[x];
                signs |= value;
                row[x] = (int8_t)value;
            }
            planes += shape.width;
        }
    }
    return signs < 0 ? -1 : 0;
}

/* One row of sums of one filter (C,k,k). Rows of the windows are `pitch` apart, channel by channel
 * in each line of the image.
 */
static void filter_row(const int8_t *windows, int32_t pitch, const int8_t *filter,
                       const struct layer *layer, int32_t *sums)
{
    int32_t k = layer->window, channels = layer->in.channels;
    for (int32_t x = 0; x < layer->out.width; x++) {
        const int8_t *row = windows + x;
        int32_t sum = 0;
        for (int32_t ky = 0; ky < k; ky++) {
            const int8_t *weight = filter + ky * k;
            for (int32_t c = 0; c < channels; c++, weight += k * k, row += pitch)
                for (int32_t kx = 0; kx < k; kx++)
                    sum += weight[kx] * row[kx];
        }
        sums[x] = sum;
    }
}

/* Columns of one line of the image, padding included, beyond which every channel is zero; even. */
struct span {
    int16_t from, to; /* equal where all is zero */
};

static void find_spans(const int8_t *padded, int32_t lines, int32_t channels, int32_t pitch,
                       struct span *spans)
{
    const halfword *line = (const halfword *)padded; /* pitch is even */
    int32_t pairs = pitch >> 1;
    for (struct span *end = spans + lines; spans != end; spans++) {
        int32_t from = pairs, to = 0;
        for (int32_t c = 0; c < channels; c++, line += pairs) {
            int32_t x = 0;
            while (x < from && line[x] == 0)
                x++;
            from = x;
            x = pairs;
            while (x > to && line[x - 1] == 0)
                x--;
            to = x;
        }
        spans->from = (int16_t)(2 * (from < to ? from : to));
        spans->to = (int16_t)(2 * to);
    }
}

/* Places of the 3x3 windows in one row of outputs that see anything but zeros, from an even one on. */
static struct span windows_of(const struct span *lines, int32_t width)
{
    int32_t from = INT16_MAX, to = 0;
    for (int32_t ky = 0; ky < 3; ky++) {
        if (lines[ky].from == lines[ky].to)
            continue;
        if (lines[ky].from < from)
            from = lines[ky].from;
        if (lines[ky].to > to)
            to = lines[ky].to;
    }
    from = from > 2 ? from - 2 : 0;
    to = to < width ? to : width;
    struct span windows = {(int16_t)(from < to ? from : to), (int16_t)to};
    return windows;
}

/* Sums of one lane's negative weights. */
static uint32_t lift_of(const int8_t *weights)
{
    int32_t lift = 0;
    for (int32_t i = 0; i < 3; i++)
        if (weights[i] < 0)
            lift -= weights[i];
    return 127 * (uint32_t)lift;
}

/* Pack two filters (C,3,3) in the order in which the padded lines hold a window's rows. */
static const struct packed *pack(const int8_t *first, const int8_t *second, int32_t channels,
                                 struct packed *table)
{
    for (int32_t ky = 0; ky < 3; ky++) {
        for (int32_t c = 0; c < channels; c++, table++) {
            const int8_t *low = first + 9 * c + 3 * ky, *high = second + 9 * c + 3 * ky;
            for (int32_t kx = 0; kx < 3; kx++)
                table->weights[kx] = (uint32_t)low[kx] + ((uint32_t)high[kx] << 16);
            table->lift = lift_of(low) + (lift_of(high) << 16);
        }
    }
    return table;
}

int32_t conv2d_forward(const struct image *image, const struct layer *layer)
{
    int32_t k = layer->window, channels = layer->in.channels, outputs = layer->out.channels;
    int32_t height = layer->out.height, width = layer->out.width;
    int32_t length = channels * k * k, plane = height * width, even = (width + 1) & ~1;
    const int8_t *filter = kept_weights(image, layer, outputs, length);

    /* The scratch: dynamic sums, two rows of sums, packed weights, padded lines, their spans. */
    int32_t *sums = at(image, layer->sums);
    int32_t *rows = sums + (image->flags & DYNAMIC ? elements(layer->out) : 0);
    struct packed *table = (struct packed *)(rows + 2 * even);
    int8_t *padded = (int8_t *)(k == 3 ? table + 3 * channels : table);
    int32_t pitch = (layer->in.width + 2 * layer->padding + 1) & ~1;
    int32_t lines = layer->in.height + 2 * layer->padding, line = channels * pitch;
    int32_t size = whole_words(lines * line);
    int32_t smallest =
        pad(at(image, layer->inputs), layer->in, layer->padding, pitch, line, padded, size);

    struct sink sink = open_sink(image, layer->outputs, layer->sums, layer->forward_shift);
    if (k != 3 || smallest < 0) {
        for (int32_t o = 0; o < outputs; o++, filter += length) {
            for (int32_t y = 0; y < height; y++) {
                filter_row(padded + y * line, pitch, filter, layer, rows);
                put_row(&sink, o * plane + y * width, rows, width);
            }
        }
        return close_sink(&sink, outputs * plane);
    }
    struct span *spans = (struct span *)(padded + size);
    find_spans(padded, lines, channels, pitch, spans);
    put_zeros(&sink, outputs * plane);
    for (int32_t o = 0; o < outputs; o += 2, filter += 2 * length) {
        bool both = o + 1 < outputs;
        const struct packed *end = pack(filter, both ? filter + length : filter, channels, table);
        int32_t index = o * plane;
        for (int32_t y = 0; y < height; y++, index += width) {
            struct span windows = windows_of(spans + y, width);
            int32_t count = windows.to - windows.from;
            if (!count)
                continue;
            const int8_t *corner = padded + y * line + windows.from;
            struct pair_row row = {
                table, end, corner, corner + ((count + 1) & ~1), (uint32_t)pitch, rows, rows + even,
            };
            conv2d_pair_row(&row);
            put_row(&sink, index + windows.from, rows, count);
            if (both)
                put_row(&sink, index + windows.from + plane, rows + even, count);
        }
    }
    return close_sink(&sink, outputs * plane);
}

/* conv2d_spread for kernels (k,k). */
static const uint32_t *spread(const uint32_t *list, const int8_t *kernel, int32_t k, int32_t *sums,
                              int32_t pitch)
{
    if (k == 3)
        return conv2d_spread(list, kernel, sums, pitch);
    for (; *list; list++) {
        int32_t *corner = sums + offset_of(*list), error = value_of(*list);
        const int8_t *weight = kernel;
        for (int32_t ky = 0; ky < k; ky++, corner += pitch)
            for (int32_t kx = 0; kx < k; kx++)
                corner[kx] += *weight++ * error;
    }
    return list + 1;
}

/* List one channel's errors in a plane whose rows are `pitch` apart; 0 ends the list. */
static uint32_t *list_channel(const struct image *image, const struct layer *layer, int32_t channel,
                              int32_t pitch, uint32_t *list)
{
    int32_t height = layer->out.height, width = layer->out.width;
    const int8_t *error = (const int8_t *)at(image, layer->output_error) + channel * height * width;
    list = list_nonzero(error, height, width, pitch, list);
    *list = 0;
    return list + 1;
}

/* The lists of all channels one after the other, if they leave room for one more; else none. */
static bool list_channels(const struct image *image, const struct layer *layer, int32_t pitch,
                          uint32_t *list)
{
    int32_t most = layer->out.height * layer->out.width + 1;
    const uint32_t *last = list + 2 * most; /* the scratch holds three of the longest */
    for (int32_t o = 0; o < layer->out.channels; o++) {
        if (list > last)
            return false;
        list = list_channel(image, layer, o, pitch, list);
    }
    return true;
}

void conv2d_backward(const struct image *image, const struct layer *layer)
{
    int32_t k = layer->window, channels = layer->in.channels, outputs = layer->out.channels;
    int32_t height = layer->in.height, width = layer->in.width, padding = layer->padding;
    int32_t length = channels * k * k;
    if (all_zero(at(image, layer->output_error), elements(layer->out))) {
        clear(at(image, layer->input_error), whole_words(elements(layer->in)));
        return;
    }
    const int8_t *filters = kept_weights(image, layer, outputs, length);

    /* The scratch: dynamic sums, one padded plane of sums, lists of errors. */
    int32_t *sums = at(image, layer->sums);
    int32_t *plane = sums + (image->flags & DYNAMIC ? elements(layer->in) : 0);
    int32_t pitch = width + 2 * padding, size = (height + 2 * padding) * pitch;
    uint32_t *lists = (uint32_t *)(plane + size);
    bool listed = list_channels(image, layer, pitch, lists);

    struct sink sink = open_sink(image, layer->input_error, layer->sums, layer->backward_shift);
    int32_t index = 0;
    for (int32_t c = 0; c < channels; c++, filters += k * k) {
        clear(plane, 4 * size);
        const uint32_t *list = lists;
        for (int32_t o = 0; o < outputs; o++) {
            if (!listed) {
                list_channel(image, layer, o, pitch, lists);
                list = lists;
            }
            list = spread(list, filters + o * length, k, plane, pitch);
        }
        const int32_t *row = plane + padding * pitch + padding;
        for (int32_t y = 0; y < height; y++, row += pitch, index += width)
            put_row(&sink, index, row, width);
    }
    close_sink(&sink, index);
}

/* The gradient of one weight: the errors times the inputs that the weight met. */
static int32_t weight_gradient(const uint32_t *list, const int8_t *inputs)
{
    int32_t sum = 0;
    for (; *list; list++)
        sum += inputs[offset_of(*list)] * value_of(*list);
    return sum;
}

/* Gradients of the edges of one output channel. With dynamic scales they go to `sums`, and the end
 * of them is returned; with static ones they are applied.
 */
static int32_t *update_row(const struct image *image, const struct layer *layer,
                           const struct edges *edges, const uint32_t *list, const int8_t *inputs,
                           int32_t pitch, const struct rounding *rounding, int32_t *sums)
{
    int32_t k = layer->window, window = k * k, column = 0, gathered[9];
    int32_t plane = (layer->in.height + 2 * layer->padding) * pitch;
    for (int32_t next = 0; next < edges->count; column += window, inputs += plane) {
        if (edges->columns && edges->columns[next] >= column + window)
            continue;
        if (k == 3)
            conv2d_gather(list, inputs, pitch, gathered);
        for (int32_t ky = 0; ky < k; ky++) {
            for (int32_t kx = 0; kx < k; kx++) {
                int32_t tap = ky * k + kx, place = column + tap;
                if (next == edges->count || (edges->columns && edges->columns[next] != place))
                    continue;
                int32_t gradient =
                    k == 3 ? gathered[tap] : weight_gradient(list, inputs + ky * pitch + kx);
                if (image->flags & TRAINS_SCORES)
                    gradient *= edges->weights[place];
                if (image->flags & DYNAMIC)
                    *sums++ = gradient;
                else
                    descend_by(&edges->trained[next], gradient, rounding);
                next++;
            }
        }
    }
    return sums;
}

void conv2d_update(const struct image *image, const struct layer *layer)
{
    int32_t channels = layer->in.channels, outputs = layer->out.channels;
    int32_t length = channels * layer->window * layer->window;
    bool dynamic = image->flags & DYNAMIC, nearest = image->flags & ROUND_NEAREST;
    if (all_zero(at(image, layer->output_error), elements(layer->out)))
        return; /* no gradient, no change */

    /* The scratch: dynamic gradients, padded inputs, a list of one channel's errors. */
    int32_t *sums = at(image, layer->sums);
    int8_t *padded = (int8_t *)(sums + (dynamic ? outputs * length : 0));
    int32_t pitch = layer->in.width + 2 * layer->padding;
    int32_t plane = (layer->in.height + 2 * layer->padding) * pitch;
    int32_t size = whole_words(channels * plane);
    uint32_t *list = (uint32_t *)(padded + size);
    pad(at(image, layer->inputs), layer->in, layer->padding, plane, pitch, padded, size);

    struct rounding rounding = rounding_by(layer->update_shift, nearest);
    for (int32_t o = 0; o < outputs; o++) {
        list_channel(image, layer, o, pitch, list);
        if (!*list) { /* no gradient, no change */
            if (dynamic) {
                clear(sums, 4 * length);
                sums += length;
            }
            continue;
        }
        struct edges edges = edges_of_row(image, layer, o, length);
        sums = update_row(image, layer, &edges, list, padded, pitch, &rounding, sums);
    }
    if (dynamic) {
        int8_t *weights = at(image, layer->weights);
        int32_t count = outputs * length;
        sums -= count;
        int32_t shift = dynamic_update_shift(image, combined_magnitudes(sums, count));
        rounding = rounding_by(shift, nearest);
        for (int32_t i = 0; i < count; i++)
            if (sums[i])
                descend_by(&weights[i], sums[i], &rounding);
    }
}
