/* Single-cycle IO: mailbox, integer divider and spinlocks (RP2040 datasheet 2.3.1). */
#ifndef SIO_H
#define SIO_H

#include "address_map.h"

typedef struct {
    io_ro_32 cpuid;
    io_ro_32 gpio_in;
    uint32_t gpio[18];
    io_rw_32 fifo_st; /* of this core (2.3.1.4) */
    io_rw_32 fifo_wr;
    io_ro_32 fifo_rd;
    io_ro_32 spinlock_st;
    io_rw_32 div_udividend;
    io_rw_32 div_udivisor;
    io_rw_32 div_sdividend;
    io_rw_32 div_sdivisor;
    io_rw_32 div_quotient;
    io_rw_32 div_remainder;
    io_ro_32 div_csr;
} sio_hw_t;

#define sio_hw ((sio_hw_t *)SIO_BASE)

enum { SIO_FIFO_ST_VLD_BITS = 1 << 0, SIO_FIFO_ST_RDY_BITS = 1 << 1 };
enum { SIO_DIV_CSR_READY_BITS = 1 << 0, SIO_DIV_CSR_DIRTY_BITS = 1 << 1 };

#define SIO_SPINLOCK0 ((io_rw_32 *)(SIO_BASE + 0x100))
enum { NUM_SPIN_LOCKS = 32 };

typedef struct {
    uint32_t quotient;
    uint32_t remainder;
} divmod_result_t;

/* The result is there 8 cycles after the divisor. */
static inline void hw_divider_wait_ready(void)
{
    while (!(sio_hw->div_csr & SIO_DIV_CSR_READY_BITS))
        ;
}

/* Reading the quotient last clears DIRTY. */
static inline divmod_result_t hw_divider_result(void)
{
    hw_divider_wait_ready();
    divmod_result_t result;
    result.remainder = sio_hw->div_remainder;
    result.quotient = sio_hw->div_quotient;
    return result;
}

static inline divmod_result_t hw_divider_divmod_u32(uint32_t dividend, uint32_t divisor)
{
    sio_hw->div_udividend = dividend;
    sio_hw->div_udivisor = divisor;
    return hw_divider_result();
}

static inline divmod_result_t hw_divider_divmod_s32(int32_t dividend, int32_t divisor)
{
    sio_hw->div_sdividend = (uint32_t)dividend;
    sio_hw->div_sdivisor = (uint32_t)divisor;
    return hw_divider_result();
}

#endif
