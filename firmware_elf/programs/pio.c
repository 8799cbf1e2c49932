/* State machines of PIO, by registers alone: one divides its clock, one sends bits to a pin from
 * which another reads them back, one computes, and one that waits for a flag raises an interrupt.
 */
#include "gpio.h"
#include "m0plus.h"
#include "pio.h"
#include "print.h"

enum { PULSE_PIN = 2, DATA_PIN = 5, WORDS = 6, WAVE = 0, SEND = 0, RECEIVE = 1 };

static volatile int raised;

void isr_irq7(void)
{
    raised++;
    pio0_hw->irq = 1; /* write one to clear */
}

static void load(pio_hw_t *pio, unsigned at, const uint16_t *program, unsigned length)
{
    for (unsigned i = 0; i < length; i++)
        pio->instr_mem[at + i] = program[i];
}

static void configure(pio_sm_hw_t *sm, unsigned bottom, unsigned top, uint32_t shift, uint32_t pins)
{
    sm->clkdiv = 1 << PIO_CLKDIV_INT_LSB;
    sm->execctrl = top << PIO_EXECCTRL_WRAP_TOP_LSB | bottom << PIO_EXECCTRL_WRAP_BOTTOM_LSB;
    sm->shiftctrl = shift;
    sm->pinctrl = pins;
    sm->instr = PIO_JMP | bottom;
}

static uint32_t receive(pio_hw_t *pio, unsigned machine)
{
    while (pio->fstat >> (PIO_FSTAT_RXEMPTY_LSB + machine) & 1)
        ;
    return pio->rxf[machine];
}

/* Pulses of three cycles every ten, at a clock divided by 2.5, counted by the core for 10,000. */
static int counts_pulses(void)
{
    static const uint16_t wave[] = {
        PIO_SET_PINS | 1 | 2 << PIO_DELAY_LSB,
        PIO_SET_PINS | 0 | 6 << PIO_DELAY_LSB,
    };
    pio_sm_hw_t *sm = &pio1_hw->sm[WAVE];
    load(pio1_hw, 0, wave, 2);
    gpio_set_function(PULSE_PIN, GPIO_FUNC_PIO1);
    configure(sm, 0, 1, 0, PULSE_PIN << PIO_PINCTRL_SET_BASE_LSB | 1 << PIO_PINCTRL_SET_COUNT_LSB);
    sm->clkdiv = 2 << PIO_CLKDIV_INT_LSB | 128 << PIO_CLKDIV_FRAC_LSB;
    sm->instr = PIO_SET_PINDIRS | 1;
    pio1_hw->ctrl = 1 << WAVE;
    const uint32_t start = systick_hw->cvr;
    uint32_t edges = 0, high = 0, samples = 0, before = 0;
    while (((start - systick_hw->cvr) & M0PLUS_SYST_MAX) < 10000) {
        const uint32_t level = pio1_hw->dbg_padout >> PULSE_PIN & 1;
        edges += level & ~before;
        high += level;
        before = level;
        samples++;
    }
    pio1_hw->ctrl = 0;
    print_value("pulses", (int32_t)edges); /* a period takes 25 cycles */
    print_value("per cent high", (int32_t)((100 * high + samples / 2) / samples));
    return edges >= 399 && edges <= 401 && 100 * high >= 28 * samples && 100 * high <= 32 * samples;
}

/* Words by a pin that is low between them: a start bit, then 32 of four cycles each, lowest first.
 * The receiver sees a level two cycles late (3.5.6.3) and looks in the middle of each bit.
 */
static int sends_and_receives(void)
{
    static const uint16_t program[] = {
        PIO_PULL_BLOCK, /* 0: the sender */
        PIO_SET_X | 31,
        PIO_SET_PINS | 1 | 3 << PIO_DELAY_LSB,
        PIO_OUT_PINS | 1 | 2 << PIO_DELAY_LSB,
        PIO_JMP_X_DEC | 3,
        PIO_SET_PINS | 0 | 7 << PIO_DELAY_LSB,
        PIO_WAIT_GPIO | PIO_WAIT_FOR_1 | DATA_PIN, /* 6: the receiver */
        PIO_SET_X | 31 | 4 << PIO_DELAY_LSB,
        PIO_IN_PINS | 1 | 2 << PIO_DELAY_LSB,
        PIO_JMP_X_DEC | 8,
        PIO_PUSH_BLOCK,
        PIO_IRQ_SET | 0,
        PIO_WAIT_GPIO | DATA_PIN,
    };
    static const uint32_t words[WORDS] = {0x00000001, 0x80000000, 0xdeadbeef, 0, ~0u, 0x12345678};
    const uint32_t pins = DATA_PIN << PIO_PINCTRL_OUT_BASE_LSB | 1 << PIO_PINCTRL_OUT_COUNT_LSB |
                          DATA_PIN << PIO_PINCTRL_SET_BASE_LSB | 1 << PIO_PINCTRL_SET_COUNT_LSB |
                          DATA_PIN << PIO_PINCTRL_IN_BASE_LSB;
    int good = 1;
    load(pio0_hw, 0, program, sizeof program / sizeof *program);
    gpio_set_function(DATA_PIN, GPIO_FUNC_PIO0);
    configure(&pio0_hw->sm[SEND], 0, 5, PIO_SHIFTCTRL_OUT_RIGHT_BITS, pins);
    configure(&pio0_hw->sm[RECEIVE], 6, 12, PIO_SHIFTCTRL_IN_RIGHT_BITS, pins);
    pio0_hw->sm[SEND].instr = PIO_SET_PINDIRS | 1;
    pio0_hw->inte0 = PIO_INTR_FLAG_0_BITS;
    irq_set_enabled(PIO0_IRQ_0, 1);
    pio0_hw->ctrl = 1 << SEND | 1 << RECEIVE;
    for (unsigned i = 0; i < WORDS; i++) {
        pio0_hw->txf[SEND] = words[i];
        good &= receive(pio0_hw, RECEIVE) == words[i];
    }
    sleep_while(raised < WORDS); /* the flag is raised behind the push */
    pio0_hw->ctrl = 0;
    print_value("words", WORDS);
    return good;
}

/* Autopull and autopush at 8 bits, and a machine that loops as often as it is told. */
static int computes(void)
{
    static const uint16_t program[] = {
        PIO_OUT_X | 8, /* 0: complements of bytes */
        PIO_MOV_X_NOT_X,
        PIO_IN_X | 8,
        PIO_PULL_BLOCK, /* 3: so many cycles, then an answer */
        PIO_MOV_X_OSR,
        PIO_JMP_X_DEC | 5,
        PIO_MOV_ISR_NOT_X,
        PIO_PUSH_BLOCK,
    };
    int good = 1;
    load(pio1_hw, 0, program, sizeof program / sizeof *program);
    configure(&pio1_hw->sm[0], 0, 2,
              PIO_SHIFTCTRL_AUTOPULL_BITS | PIO_SHIFTCTRL_AUTOPUSH_BITS |
                  PIO_SHIFTCTRL_OUT_RIGHT_BITS | 8 << PIO_SHIFTCTRL_PUSH_THRESH_LSB |
                  8 << PIO_SHIFTCTRL_PULL_THRESH_LSB,
              0);
    configure(&pio1_hw->sm[1], 3, 7, 0, 0);
    pio1_hw->ctrl = 3;
    for (uint32_t byte = 0; byte < 4; byte++)
        pio1_hw->txf[0] = 0x55 * byte;
    for (uint32_t byte = 0; byte < 4; byte++)
        good &= receive(pio1_hw, 0) == (~(0x55 * byte) & 0xff);
    const uint32_t start = systick_hw->cvr;
    pio1_hw->txf[1] = 5000;
    good &= receive(pio1_hw, 1) == 0; /* X is -1 when the loop ends */
    const uint32_t cycles = (start - systick_hw->cvr) & M0PLUS_SYST_MAX;
    pio1_hw->ctrl = 0;
    print_value("cycles of 5000 turns", (int32_t)(cycles / 100 * 100));
    return good && cycles >= 5000 && cycles < 5100;
}

int main(void)
{
    int good = 1;
    systick_start(M0PLUS_SYST_MAX, 0);
    good &= counts_pulses();
    good &= sends_and_receives();
    good &= computes();
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
