#include "dense_ternary.h"

#include "dense_columns.h"
#include "dense_rows.h"
#include "nonzero.h"
#include "operations.h"
#include "requantise.h"
#include "ternary.h"
#include "words.h"

static int32_t row_sum(const struct image *image, const int8_t *row, const int8_t *scores,
                       const uint32_t *list, const uint32_t *end)
{
    int32_t threshold = image->threshold, twice = image->double_threshold, sum = 0;
    for (; list != end; list++) {
        uint32_t i = offset_of(*list);
        sum += counted(row[i], scores[i], threshold, twice) * value_of(*list);
    }
    return sum;
}

int32_t dense_ternary_forward(const struct image *image, const struct layer *layer)
{
    const int8_t *row = at(image, layer->weights), *scores = at(image, layer->scores);
    int32_t count = elements(layer->in), outputs = layer->out.channels, four[4];
    uint32_t *list = at(image, layer->sums);
    uint32_t *end = list_nonzero(at(image, layer->inputs), 1, count, count, list);
    struct sink sink = open_sink(image, layer->outputs, layer->sums, layer->forward_shift);
    struct ternary_rows rows = {
        {list, end, row, count, four, scores - row, image->threshold}, image->double_threshold,
    };
    for (int32_t o = 0; o < outputs; o += 4, row += 4 * count, scores += 4 * count) {
        int32_t here = outputs - o < 4 ? outputs - o : 4;
        rows.four.row = row;
        if (here < 4 || list == end)
            for (int32_t i = 0; i < here; i++)
                four[i] = row_sum(image, row + i * count, scores + i * count, list, end);
        else
            dense_four_ternary_rows(&rows);
        put_row(&sink, o, four, here);
    }
    return close_sink(&sink, outputs);
}

__attribute__((noinline)) /* one copy is enough */
void add_ternary_rows(const struct image *image, const uint32_t *list, const int8_t *weights,
                      const int8_t *scores, int32_t *sums, int32_t count)
{
    int32_t threshold = image->threshold, twice = image->double_threshold;
    if ((count & 3) == 0 && threshold <= 0 && twice > 0) {
        struct ternary_columns columns = {
            {list, weights, sums, sums + count, scores - weights,
             -(0x01010101u * (uint32_t)(threshold + 128))},
            -(0x01010101u * (uint32_t)twice),
        };
        dense_ternary_columns(&columns);
        return;
    }
    for (; *list; list++) {
        const int8_t *row = weights + offset_of(*list), *row_scores = scores + offset_of(*list);
        for (int32_t i = 0; i < count; i++)
            sums[i] += counted(row[i], row_scores[i], threshold, twice) * value_of(*list);
    }
}

#define ROWS 32 /* added at once, as in dense.c */

void dense_ternary_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *error = at(image, layer->output_error);
    int32_t count = elements(layer->in), outputs = layer->out.channels, listed = 0;
    int32_t *sums = at(image, layer->sums);
    uint32_t list[ROWS + 1];
    bool nothing = all_zero(error, outputs);
    clear(nothing ? at(image, layer->input_error) : sums, nothing ? whole_words(count) : 4 * count);
    if (nothing)
        return;
    for (int32_t o = 0; o < outputs; o++) {
        if (error[o])
            list[listed++] = (uint32_t)(o * count) << 8 | (uint8_t)error[o];
        if (listed == ROWS || (listed && o + 1 == outputs)) {
            list[listed] = 0;
            add_ternary_rows(image, list, at(image, layer->weights), at(image, layer->scores), sums,
                             count);
            listed = 0;
        }
    }
    struct sink sink = open_sink(image, layer->input_error, layer->sums, layer->backward_shift);
    put_row(&sink, 0, sums, count);
    close_sink(&sink, count);
}
