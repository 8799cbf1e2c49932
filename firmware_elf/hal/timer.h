/* The 64-bit microsecond timer and its four alarms (RP2040 datasheet 4.6). */
#ifndef TIMER_H
#define TIMER_H

#include "address_map.h"

enum { NUM_ALARMS = 4, TIMER_IRQ_0 = 0, TIMER_IRQ_1 = 1, TIMER_IRQ_2 = 2, TIMER_IRQ_3 = 3 };

typedef struct {
    io_rw_32 timehw;
    io_rw_32 timelw;
    io_ro_32 timehr;
    io_ro_32 timelr;
    io_rw_32 alarm[NUM_ALARMS];
    io_rw_32 armed;
    io_ro_32 timerawh;
    io_ro_32 timerawl;
    io_rw_32 dbgpause;
    io_rw_32 pause;
    io_rw_32 intr;
    io_rw_32 inte;
    io_rw_32 intf;
    io_ro_32 ints;
} timer_hw_t;

#define timer_hw ((timer_hw_t *)TIMER_BASE)

static inline uint32_t time_us_32(void)
{
    return timer_hw->timerawl;
}

static inline uint64_t time_us_64(void)
{
    uint32_t high = timer_hw->timerawh;
    for (;;) {
        const uint32_t low = timer_hw->timerawl;
        const uint32_t again = timer_hw->timerawh;
        if (again == high)
            return (uint64_t)high << 32 | low;
        high = again;
    }
}

static inline void busy_wait_us_32(uint32_t delay_us)
{
    const uint32_t start = time_us_32();
    while (time_us_32() - start < delay_us)
        ;
}

/* The alarm's interrupt must be enabled in the NVIC to arrive. */
static inline void timer_arm(uint32_t alarm, uint32_t delay_us)
{
    hw_set_bits(&timer_hw->inte, 1u << alarm);
    timer_hw->alarm[alarm] = time_us_32() + delay_us;
}

static inline void timer_acknowledge(uint32_t alarm)
{
    timer_hw->intr = 1u << alarm; /* write one to clear */
}

#endif
