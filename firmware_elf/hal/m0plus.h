/* What the core has by itself: SysTick, NVIC, SCB (RP2040 datasheet 2.4.8; Arm DDI0419, B3). */
#ifndef M0PLUS_H
#define M0PLUS_H

#include "address_map.h"

typedef struct {
    io_rw_32 csr;
    io_rw_32 rvr;
    io_rw_32 cvr;
    io_ro_32 calib;
} systick_hw_t;

#define systick_hw ((systick_hw_t *)(PPB_BASE + 0xe010))

enum {
    M0PLUS_SYST_CSR_ENABLE_BITS = 1 << 0,
    M0PLUS_SYST_CSR_TICKINT_BITS = 1 << 1,
    M0PLUS_SYST_CSR_CLKSOURCE_BITS = 1 << 2, /* the core's clock */
    M0PLUS_SYST_MAX = 0x00ffffff
};

#define nvic_iser (*(io_rw_32 *)(PPB_BASE + 0xe100))
#define nvic_icer (*(io_rw_32 *)(PPB_BASE + 0xe180))
#define nvic_icpr (*(io_rw_32 *)(PPB_BASE + 0xe280))
#define nvic_ipr ((io_rw_32 *)(PPB_BASE + 0xe400))

typedef struct {
    io_ro_32 cpuid;
    io_rw_32 icsr;
    io_rw_32 vtor;
    io_rw_32 aircr;
    io_rw_32 scr;
    io_rw_32 ccr;
    uint32_t reserved;
    io_rw_32 shpr2;
    io_rw_32 shpr3;
} scb_hw_t;

#define scb_hw ((scb_hw_t *)(PPB_BASE + 0xed00))

enum { M0PLUS_ICSR_PENDSVSET_BITS = 1 << 28, M0PLUS_SCR_SEVONPEND_BITS = 1 << 4 };

/* Priorities have two bits: 0 (first), 0x40, 0x80, 0xc0. */
static inline void irq_set_priority(uint32_t number, uint32_t priority)
{
    const uint32_t shift = number % 4 * 8;
    nvic_ipr[number / 4] = (nvic_ipr[number / 4] & ~(0xffu << shift)) | priority << shift;
}

static inline void irq_set_enabled(uint32_t number, int enabled)
{
    if (enabled) {
        nvic_icpr = 1u << number; /* what was pending is of no interest */
        nvic_iser = 1u << number;
    } else {
        nvic_icer = 1u << number;
    }
}

static inline void systick_start(uint32_t reload, uint32_t flags)
{
    systick_hw->csr = 0;
    systick_hw->rvr = reload;
    systick_hw->cvr = 0; /* any write clears it */
    systick_hw->csr = M0PLUS_SYST_CSR_ENABLE_BITS | M0PLUS_SYST_CSR_CLKSOURCE_BITS | flags;
}

static inline void __wfi(void) { __asm__ volatile("wfi" ::: "memory"); }
static inline void __wfe(void) { __asm__ volatile("wfe" ::: "memory"); }
static inline void __sev(void) { __asm__ volatile("sev" ::: "memory"); }
static inline void __dsb(void) { __asm__ volatile("dsb" ::: "memory"); }
static inline void __isb(void) { __asm__ volatile("isb" ::: "memory"); }
static inline void disable_interrupts(void) { __asm__ volatile("cpsid i" ::: "memory"); }
static inline void enable_interrupts(void) { __asm__ volatile("cpsie i" ::: "memory"); }

/* Sleeps while the condition holds. With interrupts masked, one that comes between the test and the
 * sleep still ends the sleep (Arm DDI0419, B1.5.19); it is served in the gap.
 */
#define sleep_while(condition)      \
    do {                            \
        disable_interrupts();       \
        while (condition) {         \
            __wfi();                \
            enable_interrupts();    \
            __isb();                \
            disable_interrupts();   \
        }                           \
        enable_interrupts();        \
    } while (0)

#endif
