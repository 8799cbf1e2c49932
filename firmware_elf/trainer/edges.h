/* The edges of a layer: what of them is trained, however the image tells. */
#ifndef EDGES_H
#define EDGES_H

#include "image.h"

/* One row of edges: its weights, and what training changes. */
struct edges {
    const int8_t *weights;
    int8_t *trained;         /* weights or scores of the row */
    const uint16_t *columns; /* NULL where every edge is trained */
    int32_t count;           /* of trained edges */
};

/* Where scored edges are told by a bitmap, `columns` are good until the next row is asked for. */
struct edges edges_of_row(const struct image *image, const struct layer *layer, int32_t row,
                          int32_t length);

#endif
