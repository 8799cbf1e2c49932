/* A first-fit allocator between __end__ and __HeapLimit, and a use of it with a known high water. */
#include <stddef.h>
#include <stdint.h>

#include "print.h"

enum { ALIGNMENT = 8, PATTERN = 0x5a };

extern uint8_t __end__[], __HeapLimit[];

typedef struct header {
    size_t size; /* of the block, without this header */
    struct header *next;
} header_t;

static header_t *free_blocks;
static uint8_t *brk = __end__;

static void *allocate(size_t size)
{
    size = (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
    for (header_t **link = &free_blocks; *link; link = &(*link)->next)
        if ((*link)->size >= size) {
            header_t *found = *link;
            *link = found->next;
            return found + 1;
        }
    if (size > (size_t)(__HeapLimit - brk) || sizeof(header_t) > (size_t)(__HeapLimit - brk) - size)
        return NULL;
    header_t *block = (header_t *)(void *)brk;
    brk += sizeof(header_t) + size;
    block->size = size;
    return block + 1;
}

static void release(void *memory)
{
    header_t *block = (header_t *)memory - 1;
    block->next = free_blocks;
    free_blocks = block;
}

static void *filled(size_t size)
{
    uint8_t *memory = allocate(size);
    for (size_t i = 0; memory && i < size; i++)
        memory[i] = PATTERN;
    return memory;
}

int main(void)
{
    enum { BLOCKS = 10, BLOCK = 1000, LARGE = 5000 };
    uint8_t *blocks[BLOCKS];
    brk = (uint8_t *)(((uintptr_t)__end__ + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1));
    const uint8_t *start = brk;
    for (int i = 0; i < BLOCKS; i++)
        blocks[i] = filled(BLOCK);
    for (int i = 0; i < BLOCKS; i += 2)
        release(blocks[i]);
    for (int i = 0; i < BLOCKS; i += 2)
        blocks[i] = filled(BLOCK); /* where the freed ones were */
    uint8_t *large = filled(LARGE);
    const int high_water = (int)(brk - start);
    const int expected = BLOCKS * (BLOCK + (int)sizeof(header_t)) + LARGE + (int)sizeof(header_t);
    int good = high_water == expected && allocate(512 * 1024) == NULL;
    for (int i = 0; i < BLOCKS; i++)
        good &= blocks[i] != NULL && blocks[i][0] == PATTERN && blocks[i][BLOCK - 1] == PATTERN;
    good &= large != NULL && large[LARGE - 1] == PATTERN;
    print_value("high water", high_water);
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
