#include "nonzero.h"

#include "words.h"

/* A walk over a plane that keeps the offset of where it is. */
struct walk {
    const int8_t *origin; /* an element's offset counts from here */
    const int8_t *row_end;
    int32_t width, gap;
    uint32_t *list;
};

/* List the bytes of a word, the element at `element` being the lowest, up to the last not 0. */
static inline void take(struct walk *walk, const int8_t *element, uint32_t bytes)
{
    for (; bytes; bytes >>= 8, element++) {
        uint32_t value = bytes & 0xFF;
        if (!value)
            continue;
        while (element >= walk->row_end) {
            walk->row_end += walk->width;
            walk->origin -= walk->gap;
        }
        *walk->list++ = (uint32_t)(element - walk->origin) << 8 | value;
    }
}

uint32_t *list_nonzero(const int8_t *plane, int32_t height, int32_t width, int32_t pitch,
                       uint32_t *list)
{
    const int8_t *element = plane, *end = plane + height * width;
    struct walk walk = {plane, plane + width, width, pitch - width, list};
    for (; ((uintptr_t)element & 3) && element != end; element++)
        take(&walk, element, (uint8_t)*element);
    const int8_t *last_word = element + ((end - element) & ~3);
    for (; element != last_word; element += 4) {
        word four = *(const word *)element;
        if (four)
            take(&walk, element, four);
    }
    for (; element != end; element++)
        take(&walk, element, (uint8_t)*element);
    return walk.list;
}
