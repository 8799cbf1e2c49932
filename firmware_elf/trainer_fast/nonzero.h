/* Lists of what is not zero. A product with zero adds nothing, so that leaving it out changes no bit:
 * after a ReLU and a pooling most errors, and most activations, are exactly zero.
 */
#ifndef NONZERO_H
#define NONZERO_H

#include <stdint.h>

/* An entry: 24 bits of offset above 8 of value. */
static inline uint32_t offset_of(uint32_t entry)
{
    return entry >> 8;
}

static inline int32_t value_of(uint32_t entry)
{
    return (int8_t)entry;
}

/* List the elements of a plane (height, width) that are not zero, with their offsets in one whose
 * rows are `pitch` apart; returns the end of the list.
 */
uint32_t *list_nonzero(const int8_t *plane, int32_t height, int32_t width, int32_t pitch,
                       uint32_t *list);

#endif
