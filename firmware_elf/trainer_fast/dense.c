/* A fully connected layer. Twin of kernels/reference/dense.py.
 *
 * Inputs and errors that are exactly zero are left out. Pruned edges are left out while a row is
 * read; of sparse scores, what the pruned edges added is taken back.
 */
#include "dense_columns.h"
#include "dense_rows.h"
#include "edges_update.h"
#include "nonzero.h"
#include "operations.h"
#include "requantise.h"
#include "scores.h"
#include "words.h"

#include <stddef.h>

/* Sums of one row; `scores` is NULL where no edge is pruned here. */
static int32_t row_sum(const int8_t *row, const int8_t *scores, int32_t threshold,
                       const uint32_t *list, const uint32_t *end)
{
    int32_t sum = 0;
    for (; list != end; list++)
        if (!scores || scores[offset_of(*list)] >= threshold)
            sum += row[offset_of(*list)] * value_of(*list);
    return sum;
}

/* What the pruned edges of a row with sparse scores add to its sum. */
static int32_t pruned_sum(const struct edges *edges, int32_t threshold, const int8_t *inputs)
{
    int32_t sum = 0;
    for (int32_t i = 0; i < edges->count; i++)
        if (edges->trained[i] < threshold)
            sum += edges->weights[edges->columns[i]] * inputs[edges->columns[i]];
    return sum;
}

int32_t dense_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs), *weights = at(image, layer->weights);
    const int8_t *scores = all_scored(image) ? at(image, layer->scores) : NULL;
    int32_t count = elements(layer->in), outputs = layer->out.channels;
    /* The scratch: dynamic sums, a list of the inputs. */
    int32_t *all_sums = at(image, layer->sums), four[4];
    uint32_t *list = (uint32_t *)(all_sums + (image->flags & DYNAMIC ? outputs : 0));
    uint32_t *end = list_nonzero(inputs, 1, count, count, list);
    struct sink sink = open_sink(image, layer->outputs, layer->sums, layer->forward_shift);
    for (int32_t o = 0; o < outputs; o += 4) {
        const int8_t *row = weights + o * count;
        int32_t here = outputs - o < 4 ? outputs - o : 4;
        struct four_rows rows = {
            list, end, row, count, four, scores ? scores - weights : 0, image->threshold,
        };
        if (here < 4 || list == end)
            for (int32_t i = 0; i < here; i++)
                four[i] = row_sum(row + i * count, scores ? scores + (o + i) * count : NULL,
                                  image->threshold, list, end);
        else if (scores)
            dense_four_kept_rows(&rows);
        else
            dense_four_rows(&rows);
        for (int32_t i = 0; i < here && image->flags & SPARSE_SCORES; i++) {
            struct edges edges = edges_of_row(image, layer, o + i, count);
            four[i] -= pruned_sum(&edges, image->threshold, inputs);
        }
        put_row(&sink, o, four, here);
    }
    return close_sink(&sink, outputs);
}

/* Add the rows of a list, which 0 ends, times their errors to the sums; `scores` as in row_sum. */
static void add_rows(const uint32_t *list, const int8_t *weights, const int8_t *scores,
                     int32_t threshold, int32_t *sums, int32_t count)
{
    if ((count & 3) == 0 && (!scores || threshold <= 0)) {
        struct columns columns = {list, weights, sums, sums + count, 0, 0};
        if (scores) {
            columns.scores = scores - weights;
            columns.least = -(0x01010101u * (uint32_t)(threshold + 128));
            dense_kept_columns(&columns);
        } else {
            dense_columns(&columns);
        }
        return;
    }
    for (; *list; list++) {
        const int8_t *row = weights + offset_of(*list);
        const int8_t *row_scores = scores ? scores + offset_of(*list) : NULL;
        for (int32_t i = 0; i < count; i++)
            if (!scores || row_scores[i] >= threshold)
                sums[i] += row[i] * value_of(*list);
    }
}

#define ROWS 32 /* added at once; what is more costs its sums a load and a store */

void dense_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *error = at(image, layer->output_error), *weights = at(image, layer->weights);
    const int8_t *scores = all_scored(image) ? at(image, layer->scores) : NULL;
    int32_t count = elements(layer->in), outputs = layer->out.channels;
    int32_t *sums = at(image, layer->sums), listed = 0;
    uint32_t list[ROWS + 1];
    if (all_zero(error, outputs)) {
        clear(at(image, layer->input_error), whole_words(count));
        return;
    }
    clear(sums, 4 * count);
    for (int32_t o = 0; o < outputs; o++) {
        if (error[o])
            list[listed++] = (uint32_t)(o * count) << 8 | (uint8_t)error[o];
        if (listed == ROWS || (listed && o + 1 == outputs)) {
            list[listed] = 0;
            add_rows(list, weights, scores, image->threshold, sums, count);
            listed = 0;
        }
    }
    for (int32_t o = 0; o < outputs && image->flags & SPARSE_SCORES; o++) {
        if (!error[o])
            continue;
        struct edges edges = edges_of_row(image, layer, o, count);
        for (int32_t i = 0; i < edges.count; i++)
            if (edges.trained[i] < image->threshold)
                sums[edges.columns[i]] -= edges.weights[edges.columns[i]] * error[o];
    }
    struct sink sink = open_sink(image, layer->input_error, layer->sums, layer->backward_shift);
    put_row(&sink, 0, sums, count);
    close_sink(&sink, count);
}

static uint32_t largest_of(const int8_t *values, int32_t count)
{
    uint32_t largest = 0;
    for (int32_t i = 0; i < count; i++) {
        uint32_t magnitude = (uint32_t)(values[i] < 0 ? -values[i] : values[i]);
        if (magnitude > largest)
            largest = magnitude;
    }
    return largest;
}

/* The update of one row with sparse scores. */
static void update_listed_scores(const struct image *image, const struct layer *layer, int32_t row,
                                 const struct rounding *rounding)
{
    const int8_t *inputs = at(image, layer->inputs), *error = at(image, layer->output_error);
    struct edges edges = edges_of_row(image, layer, row, elements(layer->in));
    for (int32_t i = 0; i < edges.count; i++) {
        int32_t input = inputs[edges.columns[i]];
        if (input)
            descend_by(&edges.trained[i], error[row] * input * edges.weights[edges.columns[i]],
                       rounding);
    }
}

void dense_update(const struct image *image, const struct layer *layer)
{
    const int8_t *inputs = at(image, layer->inputs);
    const int8_t *error = at(image, layer->output_error);
    int32_t count = elements(layer->in), outputs = layer->out.channels;
    int32_t shift = layer->update_shift;
    if (image->flags & DYNAMIC) /* the largest product of an outer product is known beforehand */
        shift = dynamic_update_shift(image, largest_of(inputs, count) * largest_of(error, outputs));
    struct row_update row = {.rounding = rounding_by(shift, image->flags & ROUND_NEAREST)};
    if (image->flags & SPARSE_SCORES) {
        for (int32_t o = 0; o < outputs; o++)
            if (error[o])
                update_listed_scores(image, layer, o, &row.rounding);
        return;
    }
    uint32_t *list = at(image, layer->sums);
    row.list = list;
    row.end = list_nonzero(inputs, 1, count, count, list);
    if (row.list == row.end)
        return;
    bool scored = image->flags & TRAINS_SCORES;
    const int8_t *weights = at(image, layer->weights);
    int8_t *trained = scored ? at(image, layer->scores) : at(image, layer->weights);
    row.weights = weights - trained;
    for (int32_t o = 0; o < outputs; o++, trained += count) {
        row.trained = trained;
        row.error = error[o];
        if (row.error && scored)
            update_scores(&row);
        else if (row.error)
            update_weights(&row);
    }
}
