/* Copying and filling, as the ROM's function table has them. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stdint.h>

/* Both return `to`. */
void *rom_memcpy(void *to, const void *from, uint32_t count);
void *rom_memset(void *to, uint8_t value, uint32_t count);

#endif
