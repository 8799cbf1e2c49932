/* Direct memory access: twelve channels (RP2040 datasheet 2.5). */
#ifndef DMA_H
#define DMA_H

#include "address_map.h"

#define DMA_BASE 0x50000000u

enum { DMA_CHANNELS = 12 };

typedef struct {
    io_rw_32 read_addr;
    io_rw_32 write_addr;
    io_rw_32 transfer_count;
    io_rw_32 ctrl_trig; /* a write of it starts the channel */
    io_rw_32 aliases[12];
} dma_channel_hw_t;

typedef struct {
    dma_channel_hw_t ch[DMA_CHANNELS];
} dma_hw_t;

#define dma_hw ((dma_hw_t *)DMA_BASE)

/* CTRL. A channel that is chained to itself is chained to none. */
#define DMA_CTRL_CHAIN_TO(channel) ((uint32_t)(channel) << 11)
#define DMA_CTRL_TREQ_UNPACED_BITS (0x3fu << 15)
enum {
    DMA_CTRL_EN_BITS = 1 << 0,
    DMA_CTRL_SIZE_WORD_BITS = 2 << 2,
    DMA_CTRL_INCR_READ_BITS = 1 << 4,
    DMA_CTRL_INCR_WRITE_BITS = 1 << 5,
    DMA_CTRL_BUSY_BITS = 1 << 24
};

#endif
