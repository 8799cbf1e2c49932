#include "split.h"

static int32_t row_length(const struct layer *layer)
{
    if (layer->kind == CONV2D || layer->kind == TERNARY_CONV2D)
        return layer->in.channels * layer->window * layer->window;
    return layer->kind == DENSE || layer->kind == TERNARY_DENSE ? elements(layer->in) : 0;
}

const struct more_scratch *more_scratch_of(const struct image *image, const struct layer *layer)
{
    const struct more_scratch *table = (const void *)&image->layers[image->layer_count];
    return table + (layer - image->layers);
}

bool split_outputs(const struct image *image, const struct layer *layer, struct part parts[2],
                   void (*run)(struct part *part))
{
    int32_t outputs = layer->out.channels, half = first_half(outputs);
    if (half == outputs || (image->flags & EDGES_BY_BITMAP)) /* its rows are found from the first on */
        return false;
    for (int32_t i = 0; i < 2; i++) {
        struct part *part = &parts[i];
        begin_part(part, run, image, layer);
        part->first = i ? half : 0;
        part->count = part->layer.out.channels = i ? outputs - half : half;
    }
    struct layer *second = &parts[1].layer;
    uint32_t values = (uint32_t)(half * layer->out.height * layer->out.width);
    uint32_t edges = (uint32_t)(half * row_length(layer));
    second->outputs += values;
    second->output_error += values;
    second->weights += edges;
    second->kept += edges;
    if (image->flags & SPARSE_SCORES) /* the starts of its rows lead to its scores */
        second->row_starts += 4 * (uint32_t)half;
    else
        second->scores += edges;
    second->sums = more_scratch_of(image, layer)->sums;
    return true;
}

bool split_channels(const struct image *image, const struct layer *layer, struct part parts[2],
                    void (*run)(struct part *part))
{
    if (!split_outputs(image, layer, parts, run))
        return false;
    uint32_t values = (uint32_t)(parts[0].count * layer->in.height * layer->in.width);
    for (int32_t i = 0; i < 2; i++)
        parts[i].layer.in.channels = parts[i].count;
    parts[1].layer.inputs += values;
    parts[1].layer.input_error += values;
    return true;
}
