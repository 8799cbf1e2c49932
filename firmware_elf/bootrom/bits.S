/* Bit functions (RP2040 datasheet 2.8.3.1.1), all of R0. Their cycles, and those of the chip's on average over
 * all words: count 22 (20), reverse 24 (22), leading zeros 9 (9.6), trailing zeros 10 (11).
 */
    .file "bits.S"             /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .macro function name
    .section .text.\name, "ax"
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    /* Sums of 2, of 4 and of 8 bits side by side; then those of bytes in the top one. */
function popcount32
    ldr r2, =0x55555555
    lsrs r1, r0, #1
    ands r1, r2
    subs r0, r1
    ldr r2, =0x33333333
    lsrs r1, r0, #2
    ands r1, r2
    ands r0, r2
    adds r0, r1
    ldr r2, =0x0f0f0f0f
    lsrs r1, r0, #4
    adds r0, r1
    ands r0, r2
    ldr r2, =0x01010101
    muls r0, r2
    lsrs r0, #24
    bx lr
    .pool

    /* Neighbours change places: bits, pairs, fours, bytes. */
function reverse32
    .irp distance, 1, 2, 4
    .if \distance == 1
    ldr r2, =0x55555555
    .elseif \distance == 2
    ldr r2, =0x33333333
    .else
    ldr r2, =0x0f0f0f0f
    .endif
    lsrs r1, r0, #\distance
    ands r1, r2
    ands r0, r2
    lsls r0, #\distance
    orrs r0, r1
    .endr
    rev r0, r0
    bx lr
    .pool

    /* Six bits at a time, of which a table tells. */
function clz32
    adr r3, leading
    .irp before, 0, 6, 12, 18, 24
    lsrs r1, r0, #26 - \before
    bne 1f + 6 * (\before / 6)
    .endr
    ldrb r0, [r3, r0]            /* the two last bits, in the place of six */
    adds r0, #26
    bx lr
1:
    .irp before, 0, 6, 12, 18, 24
    ldrb r0, [r3, r1]
    adds r0, #\before
    bx lr
    .endr
    .balign 4
leading:
    .byte 6, 5
    .fill 2, 1, 4
    .fill 4, 1, 3
    .fill 8, 1, 2
    .fill 16, 1, 1
    .fill 32, 1, 0

function ctz32
    adr r3, trailing
    .irp before, 0, 6, 12, 18, 24
    lsls r1, r0, #26 - \before
    bne 1f + 8 * (\before / 6)
    .endr
    lsrs r1, r0, #30
    ldrb r0, [r3, r1]
    adds r0, #30
    cmp r1, #0
    bne 2f
    movs r0, #32
2:  bx lr
1:
    .irp before, 0, 6, 12, 18, 24
    lsrs r1, #26
    ldrb r0, [r3, r1]
    adds r0, #\before
    bx lr
    .endr
    .balign 4
trailing:
    .byte 6, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0
    .byte 5, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0, 4, 0, 1, 0, 2, 0, 1, 0, 3, 0, 1, 0, 2, 0, 1, 0
