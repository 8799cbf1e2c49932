/* Finding what the boot ROM offers (RP2040 datasheet 2.8.3). */
#ifndef BOOTROM_H
#define BOOTROM_H

#include <stdint.h>

#define ROM_TABLE_CODE(first, second) ((uint32_t)(first) | (uint32_t)(second) << 8)

/* NULL if the ROM has no entry of that code. */
void *rom_func_lookup(uint32_t code);
void *rom_data_lookup(uint32_t code);

#endif
