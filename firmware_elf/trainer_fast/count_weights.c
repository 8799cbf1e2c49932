#include "count_weights.h"

#include "ternary.h"

void count_weights(const struct image *image, const struct layer *layer)
{
    const int8_t *weights = at(image, layer->weights), *scores = at(image, layer->scores);
    int8_t *kept = at(image, layer->kept);
    int32_t threshold = image->threshold, twice = image->double_threshold;
    int32_t count = layer->out.channels * layer->in.channels * layer->window * layer->window;
    for (int32_t i = 0; i < count; i++)
        kept[i] = counted(weights[i], scores[i], threshold, twice);
}
