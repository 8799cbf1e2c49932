/* Who goes first on the bus (RP2040 datasheet 2.1.1.1, 2.1.5). */
#ifndef BUSCTRL_H
#define BUSCTRL_H

#include "address_map.h"

#define BUSCTRL_BASE 0x40030000u

typedef struct {
    io_rw_32 priority;
    io_ro_32 priority_ack;
} busctrl_hw_t;

#define busctrl_hw ((busctrl_hw_t *)BUSCTRL_BASE)

enum { BUSCTRL_PRIORITY_DMA_R_BITS = 1 << 8, BUSCTRL_PRIORITY_DMA_W_BITS = 1 << 12 };

#endif
