/* State machines of PIO listen to SPI and I2C on their pins, and one talks to UART1. The latter takes
 * a wire from GPIO 10, which PIO drives, to GPIO 9, which is UART1's input; without one nothing comes.
 */
#include "gpio.h"
#include "i2c.h"
#include "pio.h"
#include "print.h"
#include "spi.h"

enum { SCK_PIN = 2, TX_PIN = 3, SDA_PIN = 4, SCL_PIN = 5, RX_PIN = 9, PIO_TX_PIN = 10 };
enum { ON_SPI, ON_I2C, TALKS, BYTES = 4, NOBODY = 0x2a, CLKDIV = 20 };

static const uint8_t bytes[BYTES] = {0xa5, 0x00, 0xff, 0x31};

typedef struct {
    io_rw_32 dr;
    uint32_t reserved_0[5];
    io_ro_32 fr;
    uint32_t reserved_1[2];
    io_rw_32 ibrd;
    io_rw_32 fbrd;
    io_rw_32 lcr_h;
    io_rw_32 cr;
} uart1_hw_t; /* 4.2.8 */

#define uart1_hw ((uart1_hw_t *)0x40038000u)

enum { UART_FR_RXFE_BITS = 1 << 4, UART_LCR_H_8_BITS_FIFO = 7 << 4, UART_CR_ON_BITS = 0x301 };

static void start(unsigned machine, unsigned bottom, unsigned top, uint32_t shift, uint32_t pins)
{
    pio_sm_hw_t *sm = &pio0_hw->sm[machine];
    sm->execctrl = top << PIO_EXECCTRL_WRAP_TOP_LSB | bottom << PIO_EXECCTRL_WRAP_BOTTOM_LSB;
    sm->shiftctrl = shift;
    sm->pinctrl = pins;
    sm->instr = PIO_JMP | bottom;
    pio0_hw->ctrl |= 1u << machine;
}

/* A bit for each rise of a clock, the first one highest; pushed by so many. */
static void listen(unsigned machine, uint32_t data, uint32_t clock, uint32_t bits)
{
    const unsigned at = 3 * machine;
    pio0_hw->instr_mem[at] = PIO_WAIT_GPIO | clock;
    pio0_hw->instr_mem[at + 1] = PIO_WAIT_GPIO | PIO_WAIT_FOR_1 | clock;
    pio0_hw->instr_mem[at + 2] = PIO_IN_PINS | 1;
    start(machine, at, at + 2,
          PIO_SHIFTCTRL_AUTOPUSH_BITS | bits << PIO_SHIFTCTRL_PUSH_THRESH_LSB,
          data << PIO_PINCTRL_IN_BASE_LSB);
}

static uint32_t heard(unsigned machine)
{
    while (pio0_hw->fstat >> (PIO_FSTAT_RXEMPTY_LSB + machine) & 1)
        ;
    return pio0_hw->rxf[machine];
}

/* 20.8 MHz, six cycles to a bit, which is as fast as PIO can follow. */
static int hears_spi(void)
{
    int good = 1;
    spi0_hw->cr1 = 0;
    spi0_hw->cpsr = 6;
    spi0_hw->cr0 = 7;
    spi0_hw->cr1 = SPI_CR1_ENABLE_BITS;
    gpio_set_function(SCK_PIN, GPIO_FUNC_SPI);
    gpio_set_function(TX_PIN, GPIO_FUNC_SPI);
    listen(ON_SPI, TX_PIN, SCK_PIN, 8);
    for (unsigned i = 0; i < BYTES; i++)
        spi0_hw->dr = bytes[i];
    for (unsigned i = 0; i < BYTES; i++)
        good &= heard(ON_SPI) == bytes[i];
    print(good ? "spi: heard\n" : "spi: other bits\n");
    return good;
}

/* An address that nobody has: seven bits, one for the direction, and no acknowledgement. */
static int hears_i2c(void)
{
    i2c0_configure(SDA_PIN, SCL_PIN);
    i2c0_hw->tar = NOBODY;
    i2c0_hw->enable = 1;
    listen(ON_I2C, SDA_PIN, SCL_PIN, 9);
    i2c0_hw->data_cmd = I2C_DATA_CMD_READ_BITS | I2C_DATA_CMD_STOP_BITS;
    const int good = heard(ON_I2C) == (NOBODY << 2 | 2 | 1);
    print(good ? "i2c: heard\n" : "i2c: other bits\n");
    return good;
}

/* Frames of ten bits, eight steps of PIO each: a bit takes 8 * CLKDIV cycles, 16 * IBRD for the UART. */
static int is_heard_by_a_uart(void)
{
    int good = 1;
    gpio_set_function(RX_PIN, GPIO_FUNC_UART);
    uart1_hw->ibrd = CLKDIV / 2;
    uart1_hw->fbrd = 0;
    uart1_hw->lcr_h = UART_LCR_H_8_BITS_FIFO;
    uart1_hw->cr = UART_CR_ON_BITS;
    pio0_hw->sm[TALKS].clkdiv = CLKDIV << PIO_CLKDIV_INT_LSB;
    pio0_hw->instr_mem[6] = PIO_OUT_PINS | 1 | 7 << PIO_DELAY_LSB;
    pio0_hw->sm[TALKS].pinctrl = PIO_TX_PIN << PIO_PINCTRL_SET_BASE_LSB |
                                 1u << PIO_PINCTRL_SET_COUNT_LSB;
    pio0_hw->sm[TALKS].instr = PIO_SET_PINS | 1;
    pio0_hw->sm[TALKS].instr = PIO_SET_PINDIRS | 1;
    gpio_set_function(PIO_TX_PIN, GPIO_FUNC_PIO0);
    start(TALKS, 6, 6,
          PIO_SHIFTCTRL_AUTOPULL_BITS | PIO_SHIFTCTRL_OUT_RIGHT_BITS |
              10 << PIO_SHIFTCTRL_PULL_THRESH_LSB,
          PIO_TX_PIN << PIO_PINCTRL_OUT_BASE_LSB | 1 << PIO_PINCTRL_OUT_COUNT_LSB);
    for (unsigned i = 0; i < BYTES; i++)
        pio0_hw->txf[TALKS] = 1 << 9 | bytes[i] << 1;
    for (unsigned i = 0; i < BYTES; i++) {
        for (int patience = 10000; uart1_hw->fr & UART_FR_RXFE_BITS; patience--)
            if (!patience) {
                print("uart: nothing came\n");
                return 0;
            }
        good &= uart1_hw->dr == bytes[i];
    }
    print(good ? "uart: heard\n" : "uart: other bits\n");
    return good;
}

int main(void)
{
    int good = 1;
    good &= hears_spi();
    good &= hears_i2c();
    good &= is_heard_by_a_uart();
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
