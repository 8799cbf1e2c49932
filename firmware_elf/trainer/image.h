/* The image: one block of memory that holds a network and everything needed to train it.
 *
 * The host lays it out, the firmware walks it (docs/image-format.md). Declarations are generated from
 * experiments/device/schema.py. Every field is a 32-bit little-endian word. Offsets count bytes from
 * the start of the image; offset 0, where the header lies, means "none". Offsets of weights in flash
 * lead out of the block, modulo 2^32.
 */
#ifndef IMAGE_H
#define IMAGE_H

#include <stdint.h>

#define IMAGE_MAGIC 0x544F4952u /* "RIOT" */
#define IMAGE_VERSION 3

enum layer_kind {
    CONV2D = 1,
    DENSE = 2,
    RELU = 3,
    MAX_POOL2D = 4,
    TERNARY_CONV2D = 5,
    TERNARY_DENSE = 6
};

/* The numbers before it are kinds as well, from 1 on. */
#define LAST_KIND 6

enum image_flags {
    DYNAMIC = 1,           /* shifts follow each tensor instead of the layer table */
    TRAINS_SCORES = 2,     /* scores are trained and decide which edges are kept */
    SPARSE_SCORES = 4,     /* only the edges listed in `columns` have a score */
    ROUND_NEAREST = 8,     /* otherwise pseudo-stochastic */
    WEIGHTS_IN_FLASH = 16, /* those that are not trained: they can be read only */
    EDGES_BY_BITMAP = 32   /* sparse scores: bits behind `row_starts` say which */
};

struct shape {
    int32_t channels, height, width;
};

struct layer {
    int32_t kind;
    struct shape in, out;   /* (C, H, W); features of a dense layer are channels of one pixel */
    int32_t window;         /* kernel of a convolution, window of a pooling */
    int32_t padding;        /* of a convolution */
    int32_t exponent;       /* of the weights */
    int32_t forward_shift;  /* static shifts: of the outputs */
    int32_t backward_shift; /* of the input error */
    int32_t update_shift;   /* of the gradient */
    uint32_t weights;       /* int8, one row per output */
    uint32_t scores;        /* int8, like the weights; sparse: packed row after row */
    uint32_t row_starts;    /* sparse: uint32, index of each row's first score, one entry more */
    uint32_t columns;       /* sparse: uint16, place in its row of each scored edge, ascending;
                             * by bitmap: scratch for those of one row */
    uint32_t inputs;        /* int8 activations (C, H, W) */
    uint32_t outputs;       /* likewise; a ReLU works in place */
    uint32_t input_error;   /* int8, like them; none where nothing before is trained */
    uint32_t output_error;
    uint32_t sums;          /* int32 scratch */
    uint32_t kept;          /* int8 scratch for weights as often as their edges count */
};

struct image {
    uint32_t magic;
    uint32_t version;
    uint32_t size;              /* bytes, scratch included */
    uint32_t flags;
    int32_t learning_rate_bits;
    int32_t threshold;          /* an edge is kept while its score reaches it */
    int32_t double_threshold;   /* an edge counts twice while its score reaches it; 128: never */
    int32_t input_exponent;
    int32_t first_trained;      /* the first layer that is trained: errors go back no further */
    int32_t layer_count;
    struct layer layers[];
};

static inline void *at(const struct image *image, uint32_t offset)
{
    return (uint8_t *)image + offset;
}

static inline int32_t elements(struct shape shape)
{
    return shape.channels * shape.height * shape.width;
}

#endif
