/* Crystal oscillator, PLLs and clock generators (RP2040 datasheet 2.16, 2.18, 2.15). */
#ifndef CLOCKS_H
#define CLOCKS_H

enum { XOSC_HZ = 12000000, CLK_SYS_HZ = 125000000, CLK_USB_HZ = 48000000 };

/* From the ring oscillator at reset to the Pico SDK's defaults: clk_sys and clk_peri at 125 MHz. */
void clocks_init(void);

#endif
