/* A fully connected layer. Twin of kernels/reference/dense.py. */
#include "operations.h"
#include "scores.h"

int32_t dense_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs);
    int32_t count = elements(layer->in);
    struct sink sink = open_sink(image, layer->outputs, layer->sums, layer->forward_shift);
    for (int32_t o = 0; o < layer->out.channels; o++) {
        const int8_t *row = kept_rows(image, layer, o, 1, count);
        int32_t sum = 0;
        for (int32_t i = 0; i < count; i++)
            sum += row[i] * inputs[i];
        put(&sink, o, sum);
    }
    return close_sink(&sink, layer->out.channels);
}

void dense_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *error = at(image, layer->output_error);
    int32_t *sums = at(image, layer->sums);
    int32_t count = elements(layer->in);
    for (int32_t i = 0; i < count; i++)
        sums[i] = 0;
    for (int32_t o = 0; o < layer->out.channels; o++) {
        const int8_t *row = kept_rows(image, layer, o, 1, count);
        int32_t e = error[o];
        for (int32_t i = 0; i < count; i++)
            sums[i] += row[i] * e;
    }
    struct sink sink = open_sink(image, layer->input_error, layer->sums, layer->backward_shift);
    if (!sink.sums)
        for (int32_t i = 0; i < count; i++)
            put(&sink, i, sums[i]);
    close_sink(&sink, count);
}

static uint32_t largest_of(const int8_t *values, int32_t count)
{
    uint32_t largest = 0;
    for (int32_t i = 0; i < count; i++)
        if (magnitude_of(values[i]) > largest)
            largest = magnitude_of(values[i]);
    return largest;
}

void dense_update(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs);
    const int8_t *error = at(image, layer->output_error);
    int32_t count = elements(layer->in), outputs = layer->out.channels;
    bool nearest = image->flags & ROUND_NEAREST;
    int32_t shift = layer->update_shift;
    if (image->flags & DYNAMIC) /* the largest product of an outer product is known beforehand */
        shift = dynamic_update_shift(image, largest_of(inputs, count) * largest_of(error, outputs));
    for (int32_t o = 0; o < outputs; o++) {
        struct edges edges = edges_of_row(image, layer, o, count);
        int32_t e = error[o];
        for (int32_t i = 0; i < edges.count; i++) {
            int32_t column = edges.columns ? edges.columns[i] : i;
            int32_t gradient = e * inputs[column];
            if (image->flags & TRAINS_SCORES)
                gradient *= edges.weights[column];
            descend(&edges.trained[i], gradient, shift, nearest);
        }
    }
}
