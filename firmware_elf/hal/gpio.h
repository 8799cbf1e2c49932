/* Pins: which block drives one (RP2040 datasheet 2.19.2), its pad (2.19.4), SIO's registers of them
 * (2.3.1.2). */
#ifndef GPIO_H
#define GPIO_H

#include "address_map.h"

enum {
    GPIO_FUNC_SPI = 1,
    GPIO_FUNC_UART = 2,
    GPIO_FUNC_I2C = 3,
    GPIO_FUNC_PWM = 4,
    GPIO_FUNC_SIO = 5,
    GPIO_FUNC_PIO0 = 6,
    GPIO_FUNC_PIO1 = 7,
    GPIO_FUNC_NULL = 31
};

/* 2.19.6.1: what the bank puts in the place of a block's output and output enable. */
enum {
    GPIO_OUTOVER_LOW_BITS = 2 << 8,
    GPIO_OUTOVER_HIGH_BITS = 3 << 8,
    GPIO_OEOVER_ENABLE_BITS = 3 << 12
};

typedef struct {
    struct {
        io_ro_32 status;
        io_rw_32 ctrl;
    } io[30];
} io_bank0_hw_t;

#define io_bank0_hw ((io_bank0_hw_t *)IO_BANK0_BASE)

typedef struct {
    io_rw_32 voltage_select;
    io_rw_32 gpio[30];
} pads_bank0_hw_t;

#define pads_bank0_hw ((pads_bank0_hw_t *)PADS_BANK0_BASE)

enum { PADS_SCHMITT_BITS = 1 << 1, PADS_PUE_BITS = 1 << 3, PADS_IE_BITS = 1 << 6 };

typedef struct {
    io_ro_32 in;
    io_ro_32 hi_in;
    uint32_t reserved;
    io_rw_32 out;
    io_rw_32 set;
    io_rw_32 clr;
    io_rw_32 togl;
    io_rw_32 oe;
    io_rw_32 oe_set;
    io_rw_32 oe_clr;
    io_rw_32 oe_togl;
} sio_gpio_hw_t;

#define sio_gpio_hw ((sio_gpio_hw_t *)(SIO_BASE + 4))

static inline void gpio_set_function(uint32_t pin, uint32_t function)
{
    io_bank0_hw->io[pin].ctrl = function;
}

#endif
