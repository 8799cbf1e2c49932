/* Operations of layers whose edges count 0, 1 or 2 times by their scores (PRIOT ternary). These are
 * kinds of layers of their own, so that no other layer pays for a second threshold.
 */
#ifndef TERNARY_H
#define TERNARY_H

#include "image.h"

/* A weight as often as its edge counts, limited to 127. */
static inline int8_t counted(int32_t weight, int32_t score, int32_t threshold, int32_t twice)
{
    if (score < threshold)
        return 0;
    if (score < twice)
        return (int8_t)weight;
    return (int8_t)(weight > 63 ? 127 : weight < -63 ? -127 : 2 * weight);
}

/* As in operations.h. */
int32_t ternary_forward(const struct image *image, const struct layer *layer);
void ternary_backward(const struct image *image, const struct layer *layer);
void ternary_update(const struct image *image, const struct layer *layer);

#endif
