/* Four rows of a dense layer at once, over a list of the inputs that are not zero (nonzero.h). */
#ifndef DENSE_ROWS_H
#define DENSE_ROWS_H

#include <stdint.h>

struct four_rows {
    const uint32_t *list;
    const uint32_t *end;  /* not the list's start */
    const int8_t *row;    /* the first of them */
    int32_t stride;       /* from a row to the next */
    int32_t *sums;        /* four */
    int32_t scores;       /* from an edge's weight to its score */
    int32_t threshold;
};

struct ternary_rows {
    struct four_rows four;
    int32_t double_threshold;
};

void dense_four_rows(const struct four_rows *rows);

/* The same with edges whose score is below the threshold left out. */
void dense_four_kept_rows(const struct four_rows *rows);

/* And with those counted twice whose score reaches the second threshold. */
void dense_four_ternary_rows(const struct ternary_rows *rows);

#endif
