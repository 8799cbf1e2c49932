/* Brings up the clocks in the order in which the Pico SDK does. */
#include "clocks.h"

#include "address_map.h"
#include "resets.h"

typedef struct {
    io_rw_32 ctrl;
    io_ro_32 status;
    io_rw_32 dormant;
    io_rw_32 startup;
} xosc_hw_t;

#define xosc_hw ((xosc_hw_t *)XOSC_BASE)

enum { XOSC_CTRL_FREQ_RANGE_1_15MHZ = 0xaa0, XOSC_CTRL_ENABLE = 0xfab << 12 };
#define XOSC_STATUS_STABLE_BITS (1u << 31)

typedef struct {
    io_rw_32 cs;
    io_rw_32 pwr;
    io_rw_32 fbdiv_int;
    io_rw_32 prim;
} pll_hw_t;

#define pll_sys_hw ((pll_hw_t *)PLL_SYS_BASE)
#define pll_usb_hw ((pll_hw_t *)PLL_USB_BASE)

#define PLL_CS_LOCK_BITS (1u << 31)
enum { PLL_PWR_PD_BITS = 1 << 0, PLL_PWR_POSTDIVPD_BITS = 1 << 3, PLL_PWR_VCOPD_BITS = 1 << 5 };

typedef struct {
    io_rw_32 ctrl;
    io_rw_32 div;
    io_ro_32 selected;
} clock_hw_t;

enum clock_index { clk_gpout0, clk_ref = 4, clk_sys, clk_peri, clk_usb, clk_adc, clk_rtc, CLK_COUNT };

typedef struct {
    clock_hw_t clk[CLK_COUNT];
    io_rw_32 resus_ctrl;
} clocks_hw_t;

#define clocks_hw ((clocks_hw_t *)CLOCKS_BASE)

enum {
    CLOCKS_CTRL_ENABLE_BITS = 1 << 11,
    CLOCKS_CTRL_AUXSRC_LSB = 5,
    CLOCKS_CTRL_AUXSRC_BITS = 7 << 5,
    CLOCKS_CTRL_SRC_BITS = 3,
    CLOCKS_DIV_INT_LSB = 8,
    CLK_REF_SRC_XOSC = 2,
    CLK_SYS_SRC_AUX = 1,
};

static void xosc_init(void)
{
    xosc_hw->ctrl = XOSC_CTRL_FREQ_RANGE_1_15MHZ;
    xosc_hw->startup = (XOSC_HZ / 1000 + 128) / 256; /* 1 ms in units of 256 periods */
    hw_set_bits(&xosc_hw->ctrl, XOSC_CTRL_ENABLE);
    while (!(xosc_hw->status & XOSC_STATUS_STABLE_BITS))
        ;
}

/* Output: XOSC / refdiv * fbdiv / postdiv1 / postdiv2. */
static void pll_init(pll_hw_t *pll, uint32_t reset_bits, uint32_t fbdiv, uint32_t postdiv1,
                     uint32_t postdiv2)
{
    reset_block_mask(reset_bits);
    unreset_block_mask_wait_blocking(reset_bits);
    pll->cs = 1; /* refdiv */
    pll->fbdiv_int = fbdiv;
    hw_clear_bits(&pll->pwr, PLL_PWR_PD_BITS | PLL_PWR_VCOPD_BITS);
    while (!(pll->cs & PLL_CS_LOCK_BITS))
        ;
    pll->prim = postdiv1 << 16 | postdiv2 << 12;
    hw_clear_bits(&pll->pwr, PLL_PWR_POSTDIVPD_BITS);
}

/* `source` matters to the glitchless clk_ref and clk_sys alone, where AUX is source 1. */
static void clock_configure(enum clock_index index, uint32_t source, uint32_t aux_source,
                            uint32_t divider)
{
    clock_hw_t *clock = &clocks_hw->clk[index];
    const uint32_t div = divider << CLOCKS_DIV_INT_LSB;
    const int glitchless = index == clk_ref || index == clk_sys;
    if (div > clock->div) /* never faster than before or after */
        clock->div = div;
    if (glitchless && source == CLK_SYS_SRC_AUX) {
        hw_clear_bits(&clock->ctrl, CLOCKS_CTRL_SRC_BITS);
        while (!(clock->selected & 1))
            ;
    } else if (!glitchless) {
        hw_clear_bits(&clock->ctrl, CLOCKS_CTRL_ENABLE_BITS);
    }
    hw_write_masked(&clock->ctrl, aux_source << CLOCKS_CTRL_AUXSRC_LSB, CLOCKS_CTRL_AUXSRC_BITS);
    if (glitchless) {
        hw_write_masked(&clock->ctrl, source, CLOCKS_CTRL_SRC_BITS);
        while (!(clock->selected & 1u << source))
            ;
    }
    hw_set_bits(&clock->ctrl, CLOCKS_CTRL_ENABLE_BITS);
    clock->div = div;
}

void clocks_init(void)
{
    clocks_hw->resus_ctrl = 0;
    xosc_init();
    /* clk_sys and clk_ref must not hang on a PLL that is about to stop. */
    hw_clear_bits(&clocks_hw->clk[clk_sys].ctrl, CLOCKS_CTRL_SRC_BITS);
    while (clocks_hw->clk[clk_sys].selected != 1)
        ;
    hw_clear_bits(&clocks_hw->clk[clk_ref].ctrl, CLOCKS_CTRL_SRC_BITS);
    while (clocks_hw->clk[clk_ref].selected != 1)
        ;
    pll_init(pll_sys_hw, RESETS_RESET_PLL_SYS_BITS, 125, 6, 2); /* 1500 MHz / 12 */
    pll_init(pll_usb_hw, RESETS_RESET_PLL_USB_BITS, 100, 5, 5); /* 1200 MHz / 25 */
    clock_configure(clk_ref, CLK_REF_SRC_XOSC, 0, 1);
    clock_configure(clk_sys, CLK_SYS_SRC_AUX, 0, 1); /* auxiliary source 0: pll_sys */
    clock_configure(clk_usb, 0, 0, 1);               /* pll_usb */
    clock_configure(clk_adc, 0, 0, 1);               /* pll_usb */
    clock_configure(clk_rtc, 0, 0, 1024);            /* pll_usb: 46875 Hz */
    clock_configure(clk_peri, 0, 0, 1);              /* clk_sys */
}
