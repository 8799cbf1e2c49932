#include "nonzero.h"

#include "words.h"

uint32_t *list_nonzero(const int8_t *plane, int32_t height, int32_t width, int32_t pitch,
                       uint32_t *list)
{
    const int8_t *element = plane, *end = plane + height * width, *row_end = plane + width;
    int32_t gap = pitch - width;
    const int8_t *origin = plane; /* an element's offset counts from here */
    while (element < end) {
        if (((uintptr_t)element & 3) == 0)
            while (end - element >= 4 && *(const word *)element == 0)
                element += 4;
        for (int32_t left = 4 - ((uintptr_t)element & 3); left && element < end; left--) {
            int32_t value = *element;
            if (value) {
                while (element >= row_end) {
                    row_end += width;
                    origin -= gap;
                }
                *list++ = (uint32_t)(element - origin) << 8 | (uint8_t)value;
            }
            element++;
        }
    }
    return list;
}
