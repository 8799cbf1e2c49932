/* Programmable input and output (RP2040 datasheet 3): registers of a block, and its instructions. */
#ifndef PIO_H
#define PIO_H

#include "address_map.h"

#define PIO0_BASE 0x50200000u
#define PIO1_BASE 0x50300000u

enum { PIO_MACHINES = 4, PIO0_IRQ_0 = 7 };

typedef struct {
    io_rw_32 clkdiv;
    io_rw_32 execctrl;
    io_rw_32 shiftctrl;
    io_ro_32 addr;
    io_rw_32 instr;
    io_rw_32 pinctrl;
} pio_sm_hw_t;

typedef struct {
    io_rw_32 ctrl;
    io_ro_32 fstat;
    io_rw_32 fdebug;
    io_ro_32 flevel;
    io_rw_32 txf[PIO_MACHINES];
    io_ro_32 rxf[PIO_MACHINES];
    io_rw_32 irq;
    io_rw_32 irq_force;
    io_rw_32 input_sync_bypass;
    io_ro_32 dbg_padout;
    io_ro_32 dbg_padoe;
    io_ro_32 dbg_cfginfo;
    io_rw_32 instr_mem[32];
    pio_sm_hw_t sm[PIO_MACHINES];
    io_ro_32 intr;
    io_rw_32 inte0;
    io_rw_32 intf0;
    io_ro_32 ints0;
    io_rw_32 inte1;
    io_rw_32 intf1;
    io_ro_32 ints1;
} pio_hw_t;

#define pio0_hw ((pio_hw_t *)PIO0_BASE)
#define pio1_hw ((pio_hw_t *)PIO1_BASE)

enum {
    PIO_FSTAT_RXEMPTY_LSB = 8,
    PIO_CLKDIV_FRAC_LSB = 8,
    PIO_CLKDIV_INT_LSB = 16,
    PIO_EXECCTRL_WRAP_BOTTOM_LSB = 7,
    PIO_EXECCTRL_WRAP_TOP_LSB = 12,
    PIO_EXECCTRL_JMP_PIN_LSB = 24,
    PIO_SHIFTCTRL_AUTOPUSH_BITS = 1 << 16,
    PIO_SHIFTCTRL_AUTOPULL_BITS = 1 << 17,
    PIO_SHIFTCTRL_IN_RIGHT_BITS = 1 << 18,
    PIO_SHIFTCTRL_OUT_RIGHT_BITS = 1 << 19,
    PIO_SHIFTCTRL_PUSH_THRESH_LSB = 20,
    PIO_SHIFTCTRL_PULL_THRESH_LSB = 25,
    PIO_PINCTRL_OUT_BASE_LSB = 0,
    PIO_PINCTRL_SET_BASE_LSB = 5,
    PIO_PINCTRL_IN_BASE_LSB = 15,
    PIO_PINCTRL_OUT_COUNT_LSB = 20,
    PIO_PINCTRL_SET_COUNT_LSB = 26,
    PIO_INTR_FLAG_0_BITS = 1 << 8
};

/* 3.4: instructions, without delay and side-set. */
enum {
    PIO_JMP = 0x0000,
    PIO_JMP_X_DEC = 0x0040,
    PIO_JMP_PIN = 0x00c0,
    PIO_WAIT_GPIO = 0x2000,
    PIO_WAIT_PIN = 0x2020,
    PIO_WAIT_FOR_1 = 0x0080,
    PIO_IN_PINS = 0x4000,
    PIO_IN_X = 0x4020,
    PIO_OUT_PINS = 0x6000,
    PIO_OUT_X = 0x6020,
    PIO_PUSH_BLOCK = 0x8020,
    PIO_PULL_BLOCK = 0x80a0,
    PIO_MOV_X_NOT_X = 0xa029,
    PIO_MOV_X_OSR = 0xa027,
    PIO_MOV_ISR_NOT_X = 0xa0c9,
    PIO_IRQ_SET = 0xc000,
    PIO_SET_PINS = 0xe000,
    PIO_SET_X = 0xe020,
    PIO_SET_PINDIRS = 0xe080,
    PIO_DELAY_LSB = 8
};

#endif
