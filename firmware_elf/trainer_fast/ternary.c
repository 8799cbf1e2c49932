/* Convolutions of PRIOT ternary are the usual ones, on a copy of the weights as often as they count. */
#include "ternary.h"

#include "count_weights.h"
#include "dense_ternary.h"
#include "operations.h"
#include "words.h"

/* What changes for an operation: scores are out of sight, and the copy is the layer's weights. */
struct usual {
    struct image *image;
    struct layer *layer;
    uint32_t flags, weights;
};

static struct usual begin_usual(const struct image *image, const struct layer *layer)
{
    struct usual usual = {
        at(image, 0), at(image, (uint32_t)layer - (uint32_t)image), image->flags, layer->weights,
    };
    count_weights(image, layer);
    usual.image->flags &= ~(uint32_t)TRAINS_SCORES;
    usual.layer->weights = layer->kept;
    return usual;
}

static void end_usual(const struct usual *usual)
{
    usual->image->flags = usual->flags;
    usual->layer->weights = usual->weights;
}

int32_t ternary_forward(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_DENSE)
        return dense_ternary_forward(image, layer);
    struct usual usual = begin_usual(image, layer);
    int32_t shift = conv2d_forward(image, layer);
    end_usual(&usual);
    return shift;
}

void ternary_backward(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_DENSE) {
        dense_ternary_backward(image, layer);
        return;
    }
    if (all_zero(at(image, layer->output_error), elements(layer->out))) {
        conv2d_backward(image, layer); /* looks at no weight then */
        return;
    }
    struct usual usual = begin_usual(image, layer);
    conv2d_backward(image, layer);
    end_usual(&usual);
}

void ternary_update(const struct image *image, const struct layer *layer)
{
    if (layer->kind == TERNARY_DENSE)
        dense_update(image, layer);
    else
        conv2d_update(image, layer);
}
