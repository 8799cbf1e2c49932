/* Subsystem resets (RP2040 datasheet 2.14). */
#ifndef RESETS_H
#define RESETS_H

#include "address_map.h"

enum {
    RESETS_RESET_ADC_BITS = 1 << 0,
    RESETS_RESET_IO_BANK0_BITS = 1 << 5,
    RESETS_RESET_IO_QSPI_BITS = 1 << 6,
    RESETS_RESET_PADS_BANK0_BITS = 1 << 8,
    RESETS_RESET_PADS_QSPI_BITS = 1 << 9,
    RESETS_RESET_PLL_SYS_BITS = 1 << 12,
    RESETS_RESET_PLL_USB_BITS = 1 << 13,
    RESETS_RESET_RTC_BITS = 1 << 15,
    RESETS_RESET_SPI0_BITS = 1 << 16,
    RESETS_RESET_SPI1_BITS = 1 << 17,
    RESETS_RESET_SYSCFG_BITS = 1 << 18,
    RESETS_RESET_UART0_BITS = 1 << 22,
    RESETS_RESET_UART1_BITS = 1 << 23,
    RESETS_RESET_USBCTRL_BITS = 1 << 24,
    RESETS_RESET_BITS = 0x01ffffff
};

typedef struct {
    io_rw_32 reset;
    io_rw_32 wdsel;
    io_ro_32 reset_done;
} resets_hw_t;

#define resets_hw ((resets_hw_t *)RESETS_BASE)

static inline void reset_block_mask(uint32_t bits)
{
    hw_set_bits(&resets_hw->reset, bits);
}

static inline void unreset_block_mask_wait_blocking(uint32_t bits)
{
    hw_clear_bits(&resets_hw->reset, bits);
    while (~resets_hw->reset_done & bits)
        ;
}

#endif
