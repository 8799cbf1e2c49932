/* The second stage for flash that answers the plain 03h read: 252 bytes that the boot ROM copies to
 * the end of SRAM, checks and calls (RP2040 datasheet 2.8.1.3.1). The build writes their CRC-32
 * behind them. Registers: datasheet 4.10.13 (SSI).
 */
    .file "boot2.S"          /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ XIP_BASE, 0x10000000
    .equ XIP_SSI_BASE, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_SSIENR, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SPI_CTRLR0, 0xf4
    .equ VTOR, 0xe000ed08

    .equ CLOCK_DIVIDER, 4        /* clk_sys / SCK */
    .equ CTRLR0, (3 << 8) | (31 << 16) /* TMOD: EEPROM read; DFS_32: 32 clocks a frame */
    .equ SPI_CTRLR0, (0x03 << 24) | (2 << 8) | (6 << 2) /* XIP_CMD; 8-bit INST_L; ADDR_L 24 bits */

    .section .boot2, "ax"
    .global __boot2_entry_point
    .type __boot2_entry_point, %function
    .thumb_func
__boot2_entry_point:
    push {lr}
    ldr r3, =XIP_SSI_BASE
    movs r1, #0
    str r1, [r3, #SSI_SSIENR]    /* the rest may be written only while it is disabled */
    movs r1, #CLOCK_DIVIDER
    str r1, [r3, #SSI_BAUDR]
    ldr r1, =CTRLR0
    str r1, [r3, #SSI_CTRLR0]
    movs r1, #0
    str r1, [r3, #SSI_CTRLR1]    /* one frame a read */
    ldr r1, =SPI_CTRLR0
    ldr r0, =(XIP_SSI_BASE + SSI_SPI_CTRLR0)
    str r1, [r0]
    movs r1, #1
    str r1, [r3, #SSI_SSIENR]
    /* The boot ROM calls with LR 0. A program that wrote to flash calls a copy, to read it again. */
    pop {r0}
    cmp r0, #0
    beq 1f
    bx r0
1:
    ldr r0, =(XIP_BASE + 0x100)
    ldr r1, =VTOR
    str r0, [r1]
    ldm r0, {r0, r1}
    msr msp, r0
    bx r1
    .pool
    .org 252, 0
    .word 0                      /* CRC-32 */
