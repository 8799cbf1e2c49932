/* What happens before main, in the Pico SDK's order (pico-sdk 2.x, pico_runtime_init). */
#include "address_map.h"
#include "clocks.h"
#include "m0plus.h"
#include "resets.h"
#include "sio.h"
#include "uart.h"
#include "watchdog.h"

enum { VECTORS = 16 + 26, RAM_VECTORS = 48, BAUDRATE = 115200 };

extern const uint32_t __vectors[VECTORS];

__attribute__((section(".ram_vector_table"), aligned(256))) static uint32_t
    ram_vector_table[RAM_VECTORS];

/* All but what flash access, and the clocks that now run, hang on. */
static void early_resets(void)
{
    reset_block_mask(RESETS_RESET_BITS &
                     ~(RESETS_RESET_IO_QSPI_BITS | RESETS_RESET_PADS_QSPI_BITS |
                       RESETS_RESET_PLL_USB_BITS | RESETS_RESET_USBCTRL_BITS |
                       RESETS_RESET_SYSCFG_BITS | RESETS_RESET_PLL_SYS_BITS));
    unreset_block_mask_wait_blocking(
        RESETS_RESET_BITS &
        ~(RESETS_RESET_ADC_BITS | RESETS_RESET_RTC_BITS | RESETS_RESET_SPI0_BITS |
          RESETS_RESET_SPI1_BITS | RESETS_RESET_UART0_BITS | RESETS_RESET_UART1_BITS |
          RESETS_RESET_USBCTRL_BITS));
}

static void install_ram_vector_table(void)
{
    for (unsigned i = 0; i < VECTORS; i++)
        ram_vector_table[i] = __vectors[i];
    scb_hw->vtor = (uint32_t)(uintptr_t)ram_vector_table;
}

void runtime_init(void)
{
    early_resets();
    clocks_init();
    watchdog_start_tick(XOSC_HZ / 1000000);
    unreset_block_mask_wait_blocking(RESETS_RESET_BITS);
    for (unsigned i = 0; i < NUM_SPIN_LOCKS; i++)
        SIO_SPINLOCK0[i] = 1; /* release */
    install_ram_vector_table();
    uart_init(BAUDRATE);
}
