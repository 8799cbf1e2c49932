/* SPI in loopback: order, overrun and time of its frames; I2C on a bus without anybody: no answer. */
#include "gpio.h"
#include "i2c.h"
#include "m0plus.h"
#include "print.h"
#include "spi.h"

enum { FRAMES = 6, SDA_PIN = 4, SCL_PIN = 5, PRESCALE = 2, RATE = 5 };

static uint32_t spi_exchange(uint32_t word)
{
    while (!(spi0_hw->sr & SPI_SR_TX_NOT_FULL_BITS))
        ;
    spi0_hw->dr = word;
    while (!(spi0_hw->sr & SPI_SR_RX_NOT_EMPTY_BITS))
        ;
    return spi0_hw->dr;
}

static void spi_configure(uint32_t bits, uint32_t loopback)
{
    spi0_hw->cr1 = 0;
    spi0_hw->cpsr = PRESCALE;
    spi0_hw->cr0 = (bits - 1) | (RATE - 1) << SPI_CR0_SCR_LSB;
    spi0_hw->cr1 = SPI_CR1_ENABLE_BITS | loopback;
}

static int spi_loops_back(void)
{
    static const uint16_t words[FRAMES] = {0, 0xffff, 0xa5c3, 1, 0x8000, 0x1234};
    int good = 1;
    for (uint32_t bits = 8; bits <= 16; bits += 8) {
        const uint32_t mask = (1u << bits) - 1;
        spi_configure(bits, SPI_CR1_LOOPBACK_BITS);
        for (unsigned i = 0; i < FRAMES; i++)
            good &= spi_exchange(words[i] & mask) == (words[i] & mask);
    }
    print(good ? "spi: loopback\n" : "spi: other words\n");
    return good;
}

/* A bit takes PRESCALE * RATE cycles of clk_peri. Chip select goes high between frames
 * (PL022, DDI0194H figure 2-5): one bit from where the last one is sampled, half a bit of rest.
 */
static int spi_takes_its_time(void)
{
    enum { BIT = PRESCALE * RATE, EIGHT_FRAMES = 8 * (8 * BIT + BIT + BIT / 2) };
    uint32_t cycles = 0;
    int good = 1;
    systick_start(M0PLUS_SYST_MAX, 0);
    for (int again = 0; again < 2; again++) { /* what runs from flash is then in its cache */
        spi_configure(8, SPI_CR1_LOOPBACK_BITS);
        const uint32_t start = systick_hw->cvr;
        for (unsigned i = 0; i < SPI_FIFO_DEPTH; i++)
            spi0_hw->dr = i;
        while (spi0_hw->sr & SPI_SR_BUSY_BITS)
            ;
        cycles = (start - systick_hw->cvr) & M0PLUS_SYST_MAX;
        for (unsigned i = 0; i < SPI_FIFO_DEPTH; i++)
            good &= spi0_hw->dr == i;
    }
    print_value("spi: bits of 8 frames", (int32_t)(cycles / BIT));
    return good && cycles >= EIGHT_FRAMES - BIT && cycles < EIGHT_FRAMES + 2 * BIT;
}

/* A ninth frame finds the FIFO full and is lost; RORRIS says so until ICR clears it. DDI0194H 3.4 */
static int spi_overruns(void)
{
    spi_configure(8, SPI_CR1_LOOPBACK_BITS);
    for (unsigned i = 0; i < SPI_FIFO_DEPTH + 1; i++) {
        while (!(spi0_hw->sr & SPI_SR_TX_NOT_FULL_BITS))
            ;
        spi0_hw->dr = i;
    }
    while (spi0_hw->sr & SPI_SR_BUSY_BITS)
        ;
    int good = (spi0_hw->ris & SPI_INT_OVERRUN_BITS) != 0;
    spi0_hw->icr = SPI_INT_OVERRUN_BITS;
    good &= (spi0_hw->ris & SPI_INT_OVERRUN_BITS) == 0;
    unsigned kept = 0;
    while (spi0_hw->sr & SPI_SR_RX_NOT_EMPTY_BITS)
        good &= spi0_hw->dr == kept++;
    print_value("spi: frames kept", (int32_t)kept);
    return good && kept == SPI_FIFO_DEPTH;
}

/* Both lines pulled up, nobody there: the address finds no answer. 4.3.10.2.1 */
static int i2c_finds_nobody(void)
{
    unsigned nobody = 0;
    i2c0_configure(SDA_PIN, SCL_PIN);
    for (uint32_t address = 0x08; address < 0x78; address++) {
        i2c0_hw->enable = 0;
        i2c0_hw->tar = address;
        i2c0_hw->enable = 1;
        i2c0_hw->data_cmd = I2C_DATA_CMD_READ_BITS | I2C_DATA_CMD_STOP_BITS;
        while (!(i2c0_hw->raw_intr_stat & I2C_INTR_STOP_DET_BITS))
            ;
        nobody += (i2c0_hw->raw_intr_stat & I2C_INTR_TX_ABRT_BITS) != 0 &&
                  i2c0_hw->tx_abrt_source & I2C_ABRT_7B_ADDR_NOACK_BITS && i2c0_hw->rxflr == 0;
        (void)i2c0_hw->clr_tx_abrt;
        (void)i2c0_hw->clr_stop_det;
    }
    print_value("i2c: addresses without an answer", (int32_t)nobody);
    return nobody == 0x70;
}

int main(void)
{
    int good = 1;
    good &= spi_loops_back();
    good &= spi_takes_its_time();
    good &= spi_overruns();
    good &= i2c_finds_nobody();
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
