/* Sends characters over UART0, in the Pico SDK's order of register writes. */
#include "uart.h"

#include "address_map.h"
#include "clocks.h"
#include "resets.h"

typedef struct {
    io_rw_32 dr;
    io_rw_32 rsr;
    uint32_t reserved_0[4];
    io_ro_32 fr;
    uint32_t reserved_1;
    io_rw_32 ilpr;
    io_rw_32 ibrd;
    io_rw_32 fbrd;
    io_rw_32 lcr_h;
    io_rw_32 cr;
    io_rw_32 ifls;
    io_rw_32 imsc;
    io_ro_32 ris;
    io_ro_32 mis;
    io_rw_32 icr;
    io_rw_32 dmacr;
} uart_hw_t;

#define uart0_hw ((uart_hw_t *)UART0_BASE)

enum {
    UART_UARTFR_BUSY_BITS = 1 << 3,
    UART_UARTFR_TXFF_BITS = 1 << 5,
    UART_UARTLCR_H_FEN_BITS = 1 << 4,
    UART_UARTLCR_H_WLEN_8 = 3 << 5,
    UART_UARTCR_UARTEN_BITS = 1 << 0,
    UART_UARTCR_TXE_BITS = 1 << 8,
    UART_UARTCR_RXE_BITS = 1 << 9,
    UART_UARTDMACR_BITS = 3,
    GPIO_FUNC_UART = 2,
    PADS_BANK0_GPIO_IE_BITS = 1 << 6,
    PADS_BANK0_GPIO_OD_BITS = 1 << 7,
};

static void gpio_set_function(unsigned gpio, uint32_t function)
{
    io_rw_32 *pad = (io_rw_32 *)PADS_BANK0_BASE + 1 + gpio;
    io_rw_32 *ctrl = (io_rw_32 *)IO_BANK0_BASE + 2 * gpio + 1;
    hw_write_masked(pad, PADS_BANK0_GPIO_IE_BITS,
                    PADS_BANK0_GPIO_IE_BITS | PADS_BANK0_GPIO_OD_BITS);
    *ctrl = function;
}

void uart_init(unsigned baudrate)
{
    reset_block_mask(RESETS_RESET_UART0_BITS);
    unreset_block_mask_wait_blocking(RESETS_RESET_UART0_BITS);
    const uint32_t divisor = 8 * CLK_SYS_HZ / baudrate + 1; /* 1/128ths; clk_peri is clk_sys */
    uart0_hw->ibrd = divisor >> 7;
    uart0_hw->fbrd = (divisor & 0x7f) >> 1;
    hw_set_bits(&uart0_hw->lcr_h, UART_UARTLCR_H_WLEN_8 | UART_UARTLCR_H_FEN_BITS);
    uart0_hw->cr = UART_UARTCR_UARTEN_BITS | UART_UARTCR_TXE_BITS | UART_UARTCR_RXE_BITS;
    uart0_hw->dmacr = UART_UARTDMACR_BITS;
    gpio_set_function(0, GPIO_FUNC_UART);
    gpio_set_function(1, GPIO_FUNC_UART);
}

void uart_putc(char character)
{
    while (uart0_hw->fr & UART_UARTFR_TXFF_BITS)
        ;
    uart0_hw->dr = (uint8_t)character;
}

void uart_tx_wait_blocking(void)
{
    while (uart0_hw->fr & UART_UARTFR_BUSY_BITS)
        ;
}
