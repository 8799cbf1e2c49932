/* Integer division for libgcc's floating point, by the hardware divider as in the RP2040's ROM
 * (datasheet 2.3.1.5). An interrupt that divides must save the divider's state around it.
 */
    .file "divide.S"        /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ SIO_BASE, 0xd0000000
    .equ SIO_DIV_UDIVIDEND, 0x60
    .equ SIO_DIV_UDIVISOR, 0x64
    .equ SIO_DIV_QUOTIENT, 0x70
    .equ SIO_DIV_REMAINDER, 0x74

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    /* r0 / r1: quotient in r0, remainder in r1. */
    .section .text.divide, "ax"
function __udivsi3
function __aeabi_uidiv
function __aeabi_uidivmod
    ldr r2, =SIO_BASE
    str r0, [r2, #SIO_DIV_UDIVIDEND]
    str r1, [r2, #SIO_DIV_UDIVISOR]
    b 1f                         /* the result takes 8 cycles */
1:  b 1f
1:  b 1f
1:  b 1f
1:  ldr r1, [r2, #SIO_DIV_REMAINDER]
    ldr r0, [r2, #SIO_DIV_QUOTIENT]
    bx lr
    .pool
