#include "scores.h"

#include "ternary.h"

static void prune_all(const int8_t *weights, const int8_t *scores, int32_t threshold,
                      int32_t count, int8_t *kept)
{
    for (int32_t i = 0; i < count; i++)
        kept[i] = scores[i] >= threshold ? weights[i] : 0;
}

static void count_all(const int8_t *weights, const int8_t *scores, const struct image *image,
                      int32_t count, int8_t *kept)
{
    int32_t threshold = image->threshold, twice = image->double_threshold;
    for (int32_t i = 0; i < count; i++)
        kept[i] = counted(weights[i], scores[i], threshold, twice);
}

static void prune_listed(const int8_t *weights, const struct edges *edges, int32_t threshold,
                         int32_t length, int8_t *kept)
{
    for (int32_t i = 0; i < length; i++)
        kept[i] = weights[i];
    for (int32_t i = 0; i < edges->count; i++)
        if (edges->trained[i] < threshold)
            kept[edges->columns[i]] = 0;
}

const int8_t *kept_rows(const struct image *image, const struct layer *layer, int32_t row,
                        int32_t count, int32_t length)
{
    const int8_t *weights = (const int8_t *)at(image, layer->weights) + row * length;
    if (!(image->flags & TRAINS_SCORES))
        return weights;
    int8_t *kept = at(image, layer->kept);
    if (image->flags & SPARSE_SCORES) {
        for (int32_t r = 0; r < count; r++) {
            struct edges edges = edges_of_row(image, layer, row + r, length);
            prune_listed(edges.weights, &edges, image->threshold, length, kept + r * length);
        }
    } else {
        const int8_t *scores = (const int8_t *)at(image, layer->scores) + row * length;
        if (layer->kind >= TERNARY_CONV2D)
            count_all(weights, scores, image, count * length, kept);
        else
            prune_all(weights, scores, image->threshold, count * length, kept);
    }
    return kept;
}
