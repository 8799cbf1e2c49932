/* A row of a 3x3 convolution for two filters at once, in the two 16-bit lanes of a word. */
#ifndef CONV2D_PAIR_H
#define CONV2D_PAIR_H

#include <stdint.h>

/* Three weights of each filter, first + (second << 16), and what keeps their sums apart. */
struct packed {
    uint32_t weights[3];
    /* Three activations of 0..127 give a lane a sum within -127 N..127 P, with N and P the sums of
     * the lane's negative and positive weights. Lifted by 127 N it lies in 0..127 * 3 * 127 = 48387,
     * so that no lane borrows from or carries into the other, whatever the weights are.
     */
    uint32_t lift;
};

struct pair_row {
    const struct packed *table; /* one entry per row of a window */
    const struct packed *end;
    const int8_t *windows;      /* top left corner of the first window; its rows `pitch` apart */
    const int8_t *windows_end;  /* two columns each tile */
    uint32_t pitch;             /* even */
    int32_t *first;             /* sums of both filters, an even number of them */
    int32_t *second;
};

/* Activations must not be negative. */
void conv2d_pair_row(const struct pair_row *row);

#endif
