/* The input error of a dense layer, parted by columns: each core's sums are some of the inputs'. */
#include "dense_columns.h"
#include "dense_ternary.h"
#include "operations.h"
#include "requantise.h"
#include "scores.h"
#include "split.h"
#include "words.h"

#include <stddef.h>

#define ROWS 32 /* added at once, as in the fast variant */

void __real_dense_backward(const struct image *image, const struct layer *layer);
void __real_dense_ternary_backward(const struct image *image, const struct layer *layer);

/* Take back what the pruned edges of sparse scores added to a part's sums. */
static void take_back(const struct part *part, const int8_t *error, int32_t *sums)
{
    const struct layer *layer = &part->layer;
    for (int32_t o = 0; o < layer->out.channels; o++) {
        if (!error[o])
            continue;
        struct edges edges = edges_of_row(part->image, layer, o, elements(layer->in));
        for (int32_t i = 0; i < edges.count; i++) {
            uint32_t column = (uint32_t)(edges.columns[i] - part->first);
            if (column < (uint32_t)part->count && edges.trained[i] < part->image->threshold)
                sums[column] -= edges.weights[edges.columns[i]] * error[o];
        }
    }
}

static void backward_part(struct part *part)
{
    const struct image *image = part->image;
    const struct layer *layer = &part->layer;
    const int8_t *error = at(image, layer->output_error);
    const int8_t *weights = (const int8_t *)at(image, layer->weights) + part->first;
    const int8_t *scores = (const int8_t *)at(image, layer->scores) + part->first;
    int32_t outputs = layer->out.channels, length = elements(layer->in), listed = 0;
    int32_t *sums = at(image, layer->sums);
    uint32_t list[ROWS + 1];
    struct columns columns = {
        list, weights, sums, sums + part->count, scores - weights,
        -(0x01010101u * (uint32_t)(image->threshold + 128)),
    };
    clear(sums, 4 * part->count);
    for (int32_t o = 0; o < outputs; o++) {
        if (error[o])
            list[listed++] = (uint32_t)(o * length) << 8 | (uint8_t)error[o];
        if (listed == ROWS || (listed && o + 1 == outputs)) {
            list[listed] = 0;
            if (layer->kind == TERNARY_DENSE)
                add_ternary_rows(image, list, weights, scores, sums, part->count);
            else if (all_scored(image))
                dense_kept_columns(&columns);
            else
                dense_columns(&columns);
            listed = 0;
        }
    }
    if (image->flags & SPARSE_SCORES)
        take_back(part, error, sums);
    struct rounding rounding = rounding_by(layer->backward_shift, image->flags & ROUND_NEAREST);
    requantise(sums, at(image, layer->input_error), part->count, &rounding);
}

/* Both cores, the first `half` columns on core 0. */
static void run_halves(const struct image *image, const struct layer *layer, int32_t half)
{
    int32_t count = elements(layer->in);
    struct part parts[2];
    for (int32_t i = 0; i < 2; i++) {
        struct part *part = &parts[i];
        begin_part(part, backward_part, image, layer);
        part->first = i ? half : 0;
        part->count = i ? count - half : half;
    }
    parts[1].layer.sums = more_scratch_of(image, layer)->sums;
    parts[1].layer.input_error += (uint32_t)half;
    run_parts(parts);
}

void __wrap_dense_backward(const struct image *image, const struct layer *layer)
{
    int32_t count = elements(layer->in), half = first_half(count);
    bool by_fours = (count & 3) == 0 && (!all_scored(image) || image->threshold <= 0);
    if (half == count || !by_fours || (image->flags & (DYNAMIC | EDGES_BY_BITMAP)) ||
        all_zero(at(image, layer->output_error), layer->out.channels)) {
        __real_dense_backward(image, layer);
        return;
    }
    run_halves(image, layer, half);
}

void __wrap_dense_ternary_backward(const struct image *image, const struct layer *layer)
{
    int32_t count = elements(layer->in), half = first_half(count);
    if (half == count || (count & 3) ||
        all_zero(at(image, layer->output_error), layer->out.channels))
        __real_dense_ternary_backward(image, layer);
    else
        run_halves(image, layer, half);
}
