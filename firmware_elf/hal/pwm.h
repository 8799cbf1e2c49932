/* Pulse-width modulation (RP2040 datasheet 4.5). */
#ifndef PWM_H
#define PWM_H

#include "address_map.h"

#define PWM_BASE 0x40050000u

enum { PWM_SLICES = 8, PWM_IRQ_WRAP = 4 };

typedef struct {
    io_rw_32 csr;
    io_rw_32 div;
    io_rw_32 ctr;
    io_rw_32 cc;
    io_rw_32 top;
} pwm_slice_hw_t;

typedef struct {
    pwm_slice_hw_t slice[PWM_SLICES];
    io_rw_32 en;
    io_rw_32 intr;
    io_rw_32 inte;
    io_rw_32 intf;
    io_ro_32 ints;
} pwm_hw_t;

#define pwm_hw ((pwm_hw_t *)PWM_BASE)

enum {
    PWM_CSR_EN_BITS = 1 << 0,
    PWM_CSR_PH_CORRECT_BITS = 1 << 1,
    PWM_CSR_DIVMODE_LSB = 4,
    PWM_DIV_INT_LSB = 4,
    PWM_CC_B_LSB = 16
};

/* CSR.DIVMODE: what lets the counter go on. */
enum { PWM_FREE_RUNNING, PWM_WHILE_B_HIGH, PWM_AT_RISE_OF_B, PWM_AT_FALL_OF_B };

#endif
