#include "scores.h"

const int8_t *kept_weights(const struct image *image, const struct layer *layer, int32_t rows,
                           int32_t length)
{
    const int8_t *weights = at(image, layer->weights);
    if (!(image->flags & TRAINS_SCORES))
        return weights;
    int8_t *kept = at(image, layer->kept);
    const int8_t *scores = at(image, layer->scores);
    int32_t threshold = image->threshold, count = rows * length;
    bool sparse = image->flags & SPARSE_SCORES;
    for (int32_t i = 0; i < count; i++)
        kept[i] = sparse || scores[i] >= threshold ? weights[i] : 0;
    for (int32_t row = 0; sparse && row < rows; row++) {
        struct edges edges = edges_of_row(image, layer, row, length);
        for (int32_t i = 0; i < edges.count; i++)
            if (edges.trained[i] < threshold)
                kept[row * length + edges.columns[i]] = 0;
    }
    return kept;
}
