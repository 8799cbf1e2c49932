/* The pointers at the ROM's start are 16 bits wide. */
#include "bootrom.h"

enum { FUNC_TABLE = 0x14, DATA_TABLE = 0x16, TABLE_LOOKUP = 0x18 };

typedef void *(*rom_table_lookup_fn)(uint16_t *table, uint32_t code);

static void *rom_pointer(uintptr_t address)
{
    __asm__("" : "+r"(address)); /* GCC takes a constant address near 0 for a null pointer */
    return (void *)(uintptr_t) * (volatile uint16_t *)address;
}

void *rom_func_lookup(uint32_t code)
{
    return ((rom_table_lookup_fn)rom_pointer(TABLE_LOOKUP))(rom_pointer(FUNC_TABLE), code);
}

void *rom_data_lookup(uint32_t code)
{
    return ((rom_table_lookup_fn)rom_pointer(TABLE_LOOKUP))(rom_pointer(DATA_TABLE), code);
}
