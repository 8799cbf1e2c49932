/* Copying and filling: by words where both sides are aligned alike. */
#include "memory.h"

enum { WORD = sizeof(uint32_t), MASK = WORD - 1 };

void *rom_memcpy(void *to, const void *from, uint32_t count)
{
    uint8_t *target = to;
    const uint8_t *source = from;
    if ((((uintptr_t)target ^ (uintptr_t)source) & MASK) == 0) {
        for (; count && ((uintptr_t)target & MASK); count--)
            *target++ = *source++;
        uint32_t *words = (uint32_t *)(void *)target;
        const uint32_t *source_words = (const uint32_t *)(const void *)source;
        for (; count >= 4 * WORD; count -= 4 * WORD)
            __asm__ volatile("ldm %0!, {r3, r4, r5, r6}\n"
                             "stm %1!, {r3, r4, r5, r6}\n"
                             : "+l"(source_words), "+l"(words)
                             :
                             : "r3", "r4", "r5", "r6", "memory");
        for (; count >= WORD; count -= WORD)
            *words++ = *source_words++;
        target = (uint8_t *)words;
        source = (const uint8_t *)source_words;
    }
    while (count--)
        *target++ = *source++;
    return to;
}

void *rom_memset(void *to, uint8_t value, uint32_t count)
{
    uint8_t *target = to;
    for (; count && ((uintptr_t)target & MASK); count--)
        *target++ = value;
    uint32_t *words = (uint32_t *)(void *)target;
    const uint32_t word = value * 0x01010101u;
    for (; count >= WORD; count -= WORD)
        *words++ = word;
    target = (uint8_t *)words;
    while (count--)
        *target++ = value;
    return to;
}
