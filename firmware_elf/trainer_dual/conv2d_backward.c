/* The input error of a convolution, parted by input channels. */
#include "operations.h"
#include "scores.h"
#include "split.h"
#include "words.h"

void __real_conv2d_backward(const struct image *image, const struct layer *layer);

static void keep_part(struct part *part)
{
    const struct layer *layer = &part->layer;
    kept_weights(part->image, layer, part->count,
                 layer->in.channels * layer->window * layer->window);
}

/* Weights (outputs, channels, k, k) of some channels, packed: those of a layer of its own. */
static void pack_channels(const int8_t *weights, const struct layer *layer, int32_t all,
                          int32_t first, int8_t *packed)
{
    int32_t window = layer->window * layer->window, count = layer->in.channels * window;
    weights += first * window;
    for (int32_t o = 0; o < layer->out.channels; o++, weights += all * window, packed += count) {
        if (((all | first | layer->in.channels) & 3) == 0) {
            for (int32_t i = 0; i < count; i += 4)
                *(word *)(packed + i) = *(const word *)(weights + i);
        } else {
            for (int32_t i = 0; i < count; i++)
                packed[i] = weights[i];
        }
    }
}

/* Runs the kernel on the packed weights, from which pruned edges are gone already. */
static void backward_part(struct part *part)
{
    const struct image *image = part->image;
    struct layer *layer = &part->layer;
    uint32_t source = image->flags & TRAINS_SCORES ? layer->kept : layer->weights;
    int32_t all = layer->in.channels;
    layer->in.channels = part->count;
    pack_channels(at(image, source), layer, all, part->first, at(image, part->packed));

    struct image plain = *image;
    plain.flags &= ~(uint32_t)(TRAINS_SCORES | SPARSE_SCORES);
    uint32_t moved = (uint32_t)image - (uint32_t)&plain; /* offsets count from an image's start */
    layer->weights = part->packed + moved;
    layer->sums += moved;
    layer->input_error += moved;
    layer->output_error += moved;
    __real_conv2d_backward(&plain, layer);
}

void __wrap_conv2d_backward(const struct image *image, const struct layer *layer)
{
    int32_t channels = layer->in.channels, half = first_half(channels);
    if (half == channels || (image->flags & DYNAMIC) ||
        all_zero(at(image, layer->output_error), elements(layer->out))) {
        __real_conv2d_backward(image, layer);
        return;
    }
    int32_t window = layer->window * layer->window;
    struct part parts[2];
    if (image->flags & TRAINS_SCORES) {
        if (split_outputs(image, layer, parts, keep_part))
            run_parts(parts);
        else
            kept_weights(image, layer, layer->out.channels, channels * window);
    }
    const struct more_scratch *scratch = more_scratch_of(image, layer);
    for (int32_t i = 0; i < 2; i++) {
        struct part *part = &parts[i];
        begin_part(part, backward_part, image, layer);
        part->first = i ? half : 0;
        part->count = i ? channels - half : half;
        part->packed = scratch->packed;
    }
    parts[1].packed += (uint32_t)(layer->out.channels * half * window);
    parts[1].layer.sums = scratch->sums;
    parts[1].layer.input_error += (uint32_t)(half * layer->in.height * layer->in.width);
    run_parts(parts);
}
