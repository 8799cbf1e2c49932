/* Both cores on one piece of work: core 0 hands core 1 its part, does its own, and waits. */
#ifndef CORES_H
#define CORES_H

#include "image.h"

/* What one core does between fork and join. Neither writes what the other reads or writes. */
struct part {
    void (*run)(struct part *part);
    const struct image *image;
    struct layer layer; /* the part as a layer of its own */
    int32_t first;      /* place of the part's first channel or column in the whole */
    int32_t count;
    uint32_t packed;    /* offset in the image of weights that the part packs for itself */
    int32_t shift;      /* what a forward operation returned */
};

/* Wake core 1 from its boot ROM (RP2040 datasheet, 2.8.2); it waits for parts from then on. */
void launch_core1(void);

/* Run both parts, the second on core 1; back when both are done. */
void run_parts(struct part parts[2]);

#endif
