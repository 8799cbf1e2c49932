/* Slices of PWM by registers: how long a period takes with divider and phase correction, what a
 * slice counts at its B pin, duty at a pin, and an interrupt at each wrap.
 */
#include "gpio.h"
#include "m0plus.h"
#include "print.h"
#include "pwm.h"
#include "timer.h"

enum { OUT_PIN = 2, B_PIN = 3, FREE = 0, WITH_PINS = 1, WRAPS = 5 };

static volatile int wraps;

void isr_irq4(void)
{
    pwm_hw->intr = 1 << FREE; /* write one to clear */
    if (++wraps == WRAPS)
        pwm_hw->slice[FREE].csr = 0;
}

/* The cycles of so many wraps, each an interrupt. */
static __attribute__((noinline)) uint32_t time(uint32_t csr, uint32_t top, uint32_t div)
{
    pwm_slice_hw_t *slice = &pwm_hw->slice[FREE];
    wraps = 0;
    slice->csr = 0;
    slice->ctr = 0;
    slice->top = top;
    slice->div = div;
    pwm_hw->intr = 1 << FREE;
    pwm_hw->inte = 1 << FREE;
    const uint32_t start = systick_hw->cvr;
    slice->csr = csr | PWM_CSR_EN_BITS;
    sleep_while(wraps < WRAPS);
    return (start - systick_hw->cvr) & M0PLUS_SYST_MAX;
}

/* 4.5.2.6: (TOP + 1) * DIV cycles a period, with phase correction twice as many. */
static int takes(const char *what, uint32_t csr, uint32_t top, uint32_t div, uint32_t expected)
{
    const uint32_t cycles = time(csr, top, div);
    print(what);
    print_value(": hundreds of cycles", (int32_t)(cycles / 100));
    return cycles >= expected && cycles < expected + 100; /* interrupts take some */
}

/* A slice's B pin as its input (4.5.2.5): the IO bank's override drives the pin, the slice counts. */
static int counts_at_pin(void)
{
    pwm_slice_hw_t *slice = &pwm_hw->slice[WITH_PINS];
    const uint32_t low = GPIO_FUNC_PWM | GPIO_OUTOVER_LOW_BITS | GPIO_OEOVER_ENABLE_BITS;
    io_bank0_hw->io[B_PIN].ctrl = low;
    slice->csr = 0;
    slice->div = 1 << PWM_DIV_INT_LSB;
    slice->ctr = 0;
    slice->top = 0xffff;
    slice->csr = PWM_AT_RISE_OF_B << PWM_CSR_DIVMODE_LSB | PWM_CSR_EN_BITS;
    for (unsigned pulse = 0; pulse < 10; pulse++) {
        io_bank0_hw->io[B_PIN].ctrl = low | GPIO_OUTOVER_HIGH_BITS;
        busy_wait_us_32(1);
        io_bank0_hw->io[B_PIN].ctrl = low;
        busy_wait_us_32(1);
    }
    const uint32_t rises = slice->ctr;
    gpio_set_function(B_PIN, GPIO_FUNC_NULL);
    print_value("rises", (int32_t)rises);
    return rises == 10;
}

/* Channel A of a slice at its pin: CC of TOP + 1 counts high. */
static int has_duty(void)
{
    pwm_slice_hw_t *slice = &pwm_hw->slice[WITH_PINS];
    uint32_t high = 0;
    gpio_set_function(OUT_PIN, GPIO_FUNC_PWM);
    slice->csr = 0;
    slice->ctr = 0;
    slice->top = 98; /* 99 cycles: what looks every few of them sees all phases */
    slice->cc = 33;
    slice->csr = PWM_CSR_EN_BITS;
    enum { SAMPLES = 9900 };
    for (unsigned sample = 0; sample < SAMPLES; sample++)
        high += sio_gpio_hw->in >> OUT_PIN & 1;
    slice->csr = 0;
    print_value("per cent high", (int32_t)((100 * high + SAMPLES / 2) / SAMPLES));
    return high > SAMPLES * 32 / 100 && high < SAMPLES * 35 / 100;
}

int main(void)
{
    int good = 1;
    systick_start(M0PLUS_SYST_MAX, 0);
    irq_set_enabled(PWM_IRQ_WRAP, 1);
    const uint32_t one = 1 << PWM_DIV_INT_LSB;
    time(0, 99, one); /* what runs from flash is then in its cache */
    good &= takes("free", 0, 999, one, WRAPS * 1000);
    good &= takes("divided by 2.5", 0, 999, 2 * one + one / 2, WRAPS * 2500);
    good &= takes("phase correct", PWM_CSR_PH_CORRECT_BITS, 999, one, WRAPS * 2000);
    good &= counts_at_pin();
    good &= has_duty();
    print(good ? "PASS\n" : "FAIL\n");
    return !good;
}
