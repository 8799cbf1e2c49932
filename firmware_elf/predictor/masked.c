/* A few rows of weights at a time are copied less their pruned edges, and the operation runs on them
 * as if they were the whole layer. With static scales no output depends on those of other rows.
 */
#include "masked.h"

#include "operations.h"

#define ROWS 8 /* the layer's `kept` has room for them; MASKED_ROWS of experiments/device/operations */

/* Memory that is bytes elsewhere. */
typedef uint32_t __attribute__((may_alias)) word;

/* 0xFF in the bytes whose bit is set. */
static const uint32_t kept_bytes[16] = {
    0x00000000, 0x000000FF, 0x0000FF00, 0x0000FFFF, 0x00FF0000, 0x00FF00FF, 0x00FFFF00, 0x00FFFFFF,
    0xFF000000, 0xFF0000FF, 0xFF00FF00, 0xFF00FFFF, 0xFFFF0000, 0xFFFF00FF, 0xFFFFFF00, 0xFFFFFFFF,
};

static void keep_row(const int8_t *weights, const uint8_t *mask, int32_t length, int8_t *kept)
{
    if (((uintptr_t)weights | (uintptr_t)kept | (uint32_t)length) & 3) {
        for (int32_t i = 0; i < length; i++)
            kept[i] = mask[i >> 3] >> (i & 7) & 1 ? weights[i] : 0;
        return;
    }
    const word *from = (const word *)weights, *end = from + (length >> 2);
    for (word *to = (word *)kept; from != end; mask++) {
        *to++ = *from++ & kept_bytes[*mask & 15];
        if (from != end)
            *to++ = *from++ & kept_bytes[*mask >> 4];
    }
}

int32_t masked_forward(const struct image *image, const struct layer *layer)
{
    int32_t rows = layer->out.channels, places = layer->out.height * layer->out.width;
    int32_t length = layer->kind == CONV2D ? layer->in.channels * layer->window * layer->window
                                           : elements(layer->in);
    const int8_t *weights = at(image, layer->weights);
    const uint8_t *mask = at(image, layer->scores);
    int8_t *kept = at(image, layer->kept);
    struct layer part = *layer;
    part.weights = layer->kept;
    part.out.channels = ROWS;
    for (int32_t row = 0; row < rows; row += ROWS) {
        if (rows - row < ROWS)
            part.out.channels = rows - row;
        for (int32_t i = 0; i < part.out.channels; i++) {
            keep_row(weights, mask, length, kept + i * length);
            weights += length;
            mask += (length + 7) >> 3;
        }
        if (layer->kind == CONV2D)
            conv2d_forward(image, &part);
        else
            dense_forward(image, &part);
        part.outputs += (uint32_t)(ROWS * places);
    }
    return layer->forward_shift;
}
