#include "edges.h"

#include <stddef.h>

/* List the places of the first `count` set bits, the lowest bit of each byte first. A function of its
 * own, so that its registers are saved only where there is a bitmap.
 */
__attribute__((noinline)) static void list_bits(const uint8_t *bits, int32_t count,
                                                uint16_t *places)
{
    for (uint32_t base = 0; count; base += 8) {
        uint32_t place = base;
        for (uint32_t left = *bits++; left; left >>= 1, place++) {
            if (left & 1) {
                *places++ = (uint16_t)place;
                count--;
            }
        }
    }
}

/* The columns of one row's `count` scored edges; with a bitmap they are listed in the scratch that
 * the layer's `columns` are then.
 */
static const uint16_t *columns_of_row(const struct image *image, const struct layer *layer,
                                      int32_t row, int32_t length, int32_t count)
{
    const uint32_t *starts = at(image, layer->row_starts);
    uint16_t *columns = at(image, layer->columns);
    if (!(image->flags & EDGES_BY_BITMAP))
        return columns + starts[row];
    const uint8_t *bits = (const uint8_t *)(starts + layer->out.channels + 1);
    list_bits(bits + row * ((length + 7) >> 3), count, columns);
    return columns;
}

struct edges edges_of_row(const struct image *image, const struct layer *layer, int32_t row,
                          int32_t length)
{
    int8_t *weights = (int8_t *)at(image, layer->weights) + row * length;
    struct edges edges = {.weights = weights, .trained = weights, .columns = NULL, .count = length};
    if (image->flags & SPARSE_SCORES) {
        const uint32_t *starts = (const uint32_t *)at(image, layer->row_starts) + row;
        edges.trained = (int8_t *)at(image, layer->scores) + starts[0];
        edges.count = (int32_t)(starts[1] - starts[0]);
        edges.columns = columns_of_row(image, layer, row, length, edges.count);
    } else if (image->flags & TRAINS_SCORES) {
        edges.trained = (int8_t *)at(image, layer->scores) + row * length;
    }
    return edges;
}
