/* The I2C controller (RP2040 datasheet 4.3.16), a DesignWare one. */
#ifndef I2C_H
#define I2C_H

#include "address_map.h"
#include "gpio.h"

#define I2C0_BASE 0x40044000u

typedef struct {
    io_rw_32 con;
    io_rw_32 tar;
    io_rw_32 sar;
    uint32_t reserved0;
    io_rw_32 data_cmd;
    io_rw_32 ss_scl_hcnt;
    io_rw_32 ss_scl_lcnt;
    io_rw_32 fs_scl_hcnt;
    io_rw_32 fs_scl_lcnt;
    uint32_t reserved1[2];
    io_ro_32 intr_stat;
    io_rw_32 intr_mask;
    io_ro_32 raw_intr_stat;
    io_rw_32 rx_tl;
    io_rw_32 tx_tl;
    io_ro_32 clr_intr;
    io_ro_32 clr_rx_under;
    io_ro_32 clr_rx_over;
    io_ro_32 clr_tx_over;
    io_ro_32 clr_rd_req;
    io_ro_32 clr_tx_abrt;
    io_ro_32 clr_rx_done;
    io_ro_32 clr_activity;
    io_ro_32 clr_stop_det;
    io_ro_32 clr_start_det;
    io_ro_32 clr_gen_call;
    io_rw_32 enable;
    io_ro_32 status;
    io_ro_32 txflr;
    io_ro_32 rxflr;
    io_rw_32 sda_hold;
    io_ro_32 tx_abrt_source;
} i2c_hw_t;

#define i2c0_hw ((i2c_hw_t *)I2C0_BASE)

enum {
    I2C_CON_MASTER_BITS = 1 << 0,
    I2C_CON_FAST_BITS = 2 << 1,
    I2C_CON_RESTART_EN_BITS = 1 << 5,
    I2C_CON_SLAVE_DISABLE_BITS = 1 << 6,
    I2C_CON_TX_EMPTY_CTRL_BITS = 1 << 8,
    I2C_DATA_CMD_READ_BITS = 1 << 8,
    I2C_DATA_CMD_STOP_BITS = 1 << 9,
    I2C_INTR_TX_ABRT_BITS = 1 << 6,
    I2C_INTR_STOP_DET_BITS = 1 << 9,
    I2C_ABRT_7B_ADDR_NOACK_BITS = 1 << 0
};

/* I2C0 as a master of 400 kHz, of 125 MHz, off, on two pins that are pulled up. */
static inline void i2c0_configure(unsigned sda, unsigned scl)
{
    gpio_set_function(sda, GPIO_FUNC_I2C);
    gpio_set_function(scl, GPIO_FUNC_I2C);
    pads_bank0_hw->gpio[sda] = PADS_IE_BITS | PADS_PUE_BITS | PADS_SCHMITT_BITS;
    pads_bank0_hw->gpio[scl] = PADS_IE_BITS | PADS_PUE_BITS | PADS_SCHMITT_BITS;
    i2c0_hw->enable = 0;
    i2c0_hw->con = I2C_CON_MASTER_BITS | I2C_CON_FAST_BITS | I2C_CON_RESTART_EN_BITS |
                   I2C_CON_SLAVE_DISABLE_BITS | I2C_CON_TX_EMPTY_CTRL_BITS;
    i2c0_hw->fs_scl_hcnt = 125;
    i2c0_hw->fs_scl_lcnt = 187;
}

#endif
