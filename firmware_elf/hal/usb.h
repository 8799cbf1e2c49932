/* The USB controller as a device (RP2040 datasheet 4.1): registers and dual-ported memory. */
#ifndef USB_H
#define USB_H

#include "address_map.h"

#define USBCTRL_DPRAM_BASE 0x50100000u
#define USBCTRL_REGS_BASE 0x50110000u

enum { USBCTRL_IRQ = 5, USB_ENDPOINTS = 16, USB_PACKET = 64 };

typedef struct {
    io_rw_32 addr_endp[USB_ENDPOINTS];
    io_rw_32 main_ctrl;
    io_rw_32 sof_wr;
    io_ro_32 sof_rd;
    io_rw_32 sie_ctrl;
    io_rw_32 sie_status;
    io_rw_32 int_ep_ctrl;
    io_rw_32 buff_status;
    io_ro_32 buff_cpu_should_handle;
    io_rw_32 ep_abort;
    io_rw_32 ep_abort_done;
    io_rw_32 ep_stall_arm;
    io_rw_32 nak_poll;
    io_rw_32 ep_status_stall_nak;
    io_rw_32 muxing;
    io_rw_32 pwr;
    io_rw_32 phy_direct;
    io_rw_32 phy_direct_override;
    io_rw_32 phy_trim;
    uint32_t reserved;
    io_ro_32 intr;
    io_rw_32 inte;
    io_rw_32 intf;
    io_ro_32 ints;
} usb_hw_t;

typedef struct {
    io_rw_32 in, out;
} usb_pair_t;

typedef struct {
    volatile uint8_t setup[8];
    usb_pair_t endpoint_control[USB_ENDPOINTS - 1]; /* of endpoint 1 first */
    usb_pair_t buffer_control[USB_ENDPOINTS];
    volatile uint8_t ep0_buffer[2][USB_PACKET];
    volatile uint8_t buffer[(4096 - 0x180) / USB_PACKET][USB_PACKET];
} usb_dpram_t;

#define usb_hw ((usb_hw_t *)USBCTRL_REGS_BASE)
#define usb_dpram ((usb_dpram_t *)USBCTRL_DPRAM_BASE)

#define USB_EP_ENABLE_BITS (1u << 31)
enum {
    USB_MAIN_CTRL_CONTROLLER_EN_BITS = 1 << 0,
    USB_SIE_CTRL_EP0_INT_1BUF_BITS = 1 << 29,
    USB_SIE_CTRL_PULLUP_EN_BITS = 1 << 16,
    USB_SIE_STATUS_BUS_RESET_BITS = 1 << 19,
    USB_SIE_STATUS_SETUP_REC_BITS = 1 << 17,
    USB_MUXING_TO_PHY_BITS = 1 << 0,
    USB_MUXING_SOFTCON_BITS = 1 << 3,
    USB_PWR_VBUS_DETECT_BITS = 1 << 2,
    USB_PWR_VBUS_DETECT_OVERRIDE_EN_BITS = 1 << 3,
    USB_INTS_SETUP_REQ_BITS = 1 << 16,
    USB_INTS_BUS_RESET_BITS = 1 << 12,
    USB_INTS_BUFF_STATUS_BITS = 1 << 4,
    USB_EP_INTERRUPT_PER_BUFF_BITS = 1 << 29,
    USB_EP_TYPE_LSB = 26,
    USB_EP_TYPE_BULK = 2,
    USB_EP_TYPE_INTERRUPT = 3,
    USB_BUF_FULL_BITS = 1 << 15,
    USB_BUF_DATA1_BITS = 1 << 13,
    USB_BUF_STALL_BITS = 1 << 11,
    USB_BUF_AVAILABLE_BITS = 1 << 10,
    USB_BUF_LENGTH_BITS = 0x3ff
};

#endif
