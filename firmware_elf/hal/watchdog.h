/* The watchdog's tick, which drives the timer as well (RP2040 datasheet 4.7.2). */
#ifndef WATCHDOG_H
#define WATCHDOG_H

#include "address_map.h"

enum { WATCHDOG_TICK_ENABLE_BITS = 1 << 9 };

typedef struct {
    io_rw_32 ctrl;
    io_rw_32 load;
    io_ro_32 reason;
    io_rw_32 scratch[8];
    io_rw_32 tick;
} watchdog_hw_t;

#define watchdog_hw ((watchdog_hw_t *)WATCHDOG_BASE)

/* A tick every `cycles` of clk_ref. */
static inline void watchdog_start_tick(uint32_t cycles)
{
    watchdog_hw->tick = cycles | WATCHDOG_TICK_ENABLE_BITS;
}

#endif
