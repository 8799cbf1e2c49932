/* Four bytes at a time. */
#ifndef WORDS_H
#define WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* Memory that is bytes elsewhere, read and written as words. */
typedef uint32_t __attribute__((may_alias)) word;
typedef uint16_t __attribute__((may_alias)) halfword;

#define SIGNS 0x80808080u

/* 0xFF in the bytes whose highest bit is set in `signs`, the others being 0. */
static inline word filled(word signs)
{
    return (signs - (signs >> 7)) | signs;
}

static inline int32_t whole_words(int32_t size)
{
    return (size + 3) & ~3;
}

/* Whether `count` bytes from a word on are all 0. */
static inline bool all_zero(const void *memory, int32_t count)
{
    const word *next = memory, *end = next + (count >> 2);
    while (next != end)
        if (*next++)
            return false;
    const int8_t *byte = (const int8_t *)end;
    for (int32_t left = count & 3; left; left--)
        if (*byte++)
            return false;
    return true;
}

/* Set `size` bytes to 0, a multiple of 4, from an address that is one too. */
static inline void clear(void *memory, int32_t size)
{
    word *next = memory, *end = next + (size >> 2);
    for (; end - next >= 4; next += 4)
        next[0] = next[1] = next[2] = next[3] = 0;
    while (next != end)
        *next++ = 0;
}

#endif
