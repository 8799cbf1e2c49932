/* From reset to the second stage in flash (RP2040 datasheet 2.8.1). */
#include <stdint.h>

#include "memory.h"

enum { BOOT2_SIZE = 256, CRC_SIZE = 4 };

#define XIP_BASE 0x10000000u
#define BOOT2_RAM 0x20041f00u /* the end of SRAM */

void reset_to_usb_boot(uint32_t activity_pin_mask, uint32_t disabled_interfaces)
    __attribute__((noreturn));

/* Polynomial 0x04C11DB7, most significant bit first, no final XOR. */
static uint32_t crc32(const uint8_t *data, uint32_t count)
{
    uint32_t crc = 0xffffffff;
    while (count--) {
        crc ^= (uint32_t)*data++ << 24;
        for (int bit = 0; bit < 8; bit++)
            crc = crc << 1 ^ (crc >> 31 ? 0x04c11db7 : 0);
    }
    return crc;
}

__attribute__((noreturn)) void boot(void)
{
    uint8_t *boot2 = (uint8_t *)BOOT2_RAM;
    rom_memcpy(boot2, (const uint8_t *)XIP_BASE, BOOT2_SIZE);
    const uint32_t expected = *(const uint32_t *)(const void *)(boot2 + BOOT2_SIZE - CRC_SIZE);
    if (crc32(boot2, BOOT2_SIZE - CRC_SIZE) != expected)
        reset_to_usb_boot(0, 0);
    /* LR 0 tells the second stage to start the program behind it. */
    __asm__ volatile("mov lr, %0\n"
                     "bx %1\n"
                     :
                     : "l"(0), "l"(BOOT2_RAM | 1)
                     : "memory");
    __builtin_unreachable();
}
