/* The input error of a dense layer, four columns at once over a list of rows: entries of nonzero.h
 * whose offset is that of the row, ended by 0.
 */
#ifndef DENSE_COLUMNS_H
#define DENSE_COLUMNS_H

#include <stdint.h>

struct columns {
    const uint32_t *list;  /* at least one row */
    const int8_t *weights; /* rows on words */
    int32_t *sums;         /* added to */
    int32_t *end;          /* of the sums, a multiple of four of them */
    int32_t scores;        /* from an edge's weight to its score */
    uint32_t least;        /* -(threshold + 128) in each byte, as one number; threshold <= 0 */
};

struct ternary_columns {
    struct columns columns;
    uint32_t least_twice; /* -double_threshold in each byte, as one number; double_threshold > 0 */
};

void dense_columns(const struct columns *columns);

/* The same with edges whose score is below the threshold left out. */
void dense_kept_columns(const struct columns *columns);

/* And with those counted twice whose score reaches the second threshold. */
void dense_ternary_columns(const struct ternary_columns *columns);

#endif
