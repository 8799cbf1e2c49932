/* Flash access (RP2040 datasheet 2.8.3.1.3). The chip answers reads at any time, so nothing is needed
 * to execute from it; erasing and programming are the simulator's (the table in start.S). The serial
 * controller is made ready, since programs send commands of their own behind flash_exit_xip.
 */
#include <stdint.h>

#define XIP_CTRL_FLUSH (*(volatile uint32_t *)0x14000004u)
#define XIP_SSI(offset) (*(volatile uint32_t *)(0x18000000u + (offset)))

enum { CTRLR0 = 0x00, SSIENR = 0x08, SER = 0x10, BAUDR = 0x14 };

void connect_internal_flash(void) {}
void flash_enter_cmd_xip(void) {}

/* One frame of 8 bits each way over SPI (datasheet 4.10.13). */
void flash_exit_xip(void)
{
    XIP_SSI(SSIENR) = 0;
    XIP_SSI(BAUDR) = 6;
    XIP_SSI(CTRLR0) = 7 << 16; /* DFS_32: frames of 8 bits */
    XIP_SSI(SER) = 1;
    XIP_SSI(SSIENR) = 1;
}

void flash_flush_cache(void)
{
    XIP_CTRL_FLUSH = 1;
    (void)XIP_CTRL_FLUSH; /* stalls until the cache is empty */
}

/* `block_size` and `block_command` choose a faster erasure of the same bytes. */
__attribute__((naked)) void flash_range_erase(uint32_t offset, uint32_t count, uint32_t block_size,
                                              uint8_t block_command)
{
    (void)offset, (void)count, (void)block_size, (void)block_command;
    __asm__("bkpt #0xf0\n"
            "bx lr\n");
}

__attribute__((naked)) void flash_range_program(uint32_t offset, const uint8_t *data,
                                                uint32_t count)
{
    (void)offset, (void)data, (void)count;
    __asm__("bkpt #0xf1\n"
            "bx lr\n");
}
