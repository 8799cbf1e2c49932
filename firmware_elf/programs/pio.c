/* State machines of PIO, by registers alone: one divides its clock, and two count what its pin
 * does; one sends bits to a pin and another reads them back; one computes. Flags raise interrupts.
 */
#include "gpio.h"
#include "m0plus.h"
#include "pio.h"
#include "print.h"

enum { PULSE_PIN = 2, DATA_PIN = 5, WORDS = 6, SEND = 0, RECEIVE = 1 };
enum { PULSES, RISES, HIGH };

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

/* Pulses of three cycles every nine, at a clock divided by 2.5: a period takes 22.5 cycles. A second
 * machine counts them, a third one looks every other cycle whether the pin is high; each counts by an
 * X that goes down from 0, so its complement is one less than the count.
 */
static void configure_pulses(void)
{
    static const uint16_t program[] = {
        PIO_SET_PINS | 1 | 2 << PIO_DELAY_LSB, /* 0: pulses */
        PIO_SET_PINS | 0 | 5 << PIO_DELAY_LSB,
        PIO_WAIT_PIN, /* 2: counts rises */
        PIO_WAIT_PIN | PIO_WAIT_FOR_1,
        PIO_JMP_X_DEC | 2,
        PIO_JMP_PIN | 7, /* 5: counts looks that find it high */
        PIO_JMP | 5,
        PIO_JMP_X_DEC | 5,
    };
    const uint32_t pins =
        PULSE_PIN << PIO_PINCTRL_SET_BASE_LSB | PULSE_PIN << PIO_PINCTRL_IN_BASE_LSB;
    pio_sm_hw_t *sm = pio1_hw->sm;
    load(pio1_hw, 0, program, sizeof program / sizeof *program);
    gpio_set_function(PULSE_PIN, GPIO_FUNC_PIO1);
    configure(&sm[PULSES], 0, 1, 0, pins | 1 << PIO_PINCTRL_SET_COUNT_LSB);
    configure(&sm[RISES], 2, 4, 0, pins);
    configure(&sm[HIGH], 5, 7, 0, pins);
    sm[PULSES].clkdiv = 2 << PIO_CLKDIV_INT_LSB | 128 << PIO_CLKDIV_FRAC_LSB;
    sm[PULSES].instr = PIO_SET_PINDIRS | 1;
    sm[HIGH].execctrl |= PULSE_PIN << PIO_EXECCTRL_JMP_PIN_LSB;
}

static uint32_t not_x_of(unsigned machine)
{
    pio1_hw->sm[machine].instr = PIO_MOV_ISR_NOT_X;
    pio1_hw->sm[machine].instr = PIO_PUSH_BLOCK;
    return receive(pio1_hw, machine);
}

/* How many of either are counted in so many cycles. */
static __attribute__((noinline)) void count(uint32_t cycles, uint32_t *rises, uint32_t *looks_high)
{
    pio1_hw->sm[RISES].instr = PIO_SET_X | 0;
    pio1_hw->sm[HIGH].instr = PIO_SET_X | 0;
    const uint32_t start = systick_hw->cvr;
    pio1_hw->ctrl = 1 << PULSES | 1 << RISES | 1 << HIGH;
    while (((start - systick_hw->cvr) & M0PLUS_SYST_MAX) < cycles)
        ;
    pio1_hw->ctrl = 0;
    *rises = not_x_of(RISES) + 1;
    *looks_high = not_x_of(HIGH) + 1;
}

static int counts_pulses(void)
{
    enum { CYCLES = 9000, RIGHT = CYCLES * 2 / 45, LOOKS = CYCLES / 2 };
    uint32_t rises, looks_high;
    configure_pulses();
    count(1, &rises, &looks_high); /* what runs from flash is then in its cache */
    count(CYCLES, &rises, &looks_high);
    const uint32_t percent_high = (100 * looks_high + LOOKS / 2) / LOOKS;
    print_value("pulses", (int32_t)rises);
    print_value("per cent high", (int32_t)percent_high);
    return rises >= RIGHT - 1 && rises <= RIGHT + 2 && percent_high == 33;
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

/* The cycles that a machine takes to go round so many times, and to answer with what is left: 0. */
static __attribute__((noinline)) uint32_t turns(uint32_t times)
{
    const uint32_t start = systick_hw->cvr;
    pio1_hw->txf[1] = times;
    const uint32_t left = receive(pio1_hw, 1);
    return left + ((start - systick_hw->cvr) & M0PLUS_SYST_MAX);
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
    enum { TURNS = 5000 };
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
    good &= turns(0) < TURNS; /* what runs from flash is then in its cache */
    const uint32_t cycles = turns(TURNS);
    pio1_hw->ctrl = 0;
    print_value("hundreds of cycles for 5000 turns", (int32_t)(cycles / 100));
    return good && cycles >= TURNS && cycles < TURNS + 100;
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
