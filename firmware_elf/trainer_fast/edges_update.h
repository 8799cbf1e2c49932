/* The update of one row of edges of a dense layer. */
#ifndef EDGES_UPDATE_H
#define EDGES_UPDATE_H

#include <stdint.h>

#include "rounding.h"

struct row_update {
    const uint32_t *list; /* inputs that are not zero (nonzero.h), at least one */
    const uint32_t *end;
    int8_t *trained;      /* weights or scores */
    int32_t weights;      /* from an edge's score to its weight */
    int32_t error;
    struct rounding rounding;
};

/* Each weight less its rounded gradient, error * input. */
void update_weights(const struct row_update *row);

/* Each score less its rounded gradient, error * input * weight. */
void update_scores(const struct row_update *row);

#endif
