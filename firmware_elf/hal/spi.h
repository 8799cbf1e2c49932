/* The SPI controller (RP2040 datasheet 4.4.4), Arm's PL022. */
#ifndef SPI_H
#define SPI_H

#include "address_map.h"

#define SPI0_BASE 0x4003c000u

typedef struct {
    io_rw_32 cr0;
    io_rw_32 cr1;
    io_rw_32 dr;
    io_ro_32 sr;
    io_rw_32 cpsr;
    io_rw_32 imsc;
    io_ro_32 ris;
    io_ro_32 mis;
    io_rw_32 icr;
    io_rw_32 dmacr;
} spi_hw_t;

#define spi0_hw ((spi_hw_t *)SPI0_BASE)

enum {
    SPI_CR0_SCR_LSB = 8,
    SPI_CR1_LOOPBACK_BITS = 1 << 0,
    SPI_CR1_ENABLE_BITS = 1 << 1,
    SPI_SR_TX_EMPTY_BITS = 1 << 0,
    SPI_SR_TX_NOT_FULL_BITS = 1 << 1,
    SPI_SR_RX_NOT_EMPTY_BITS = 1 << 2,
    SPI_SR_RX_FULL_BITS = 1 << 3,
    SPI_SR_BUSY_BITS = 1 << 4,
    SPI_INT_OVERRUN_BITS = 1 << 0,
    SPI_FIFO_DEPTH = 8
};

#endif
