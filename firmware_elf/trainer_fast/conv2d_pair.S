/* void conv2d_pair_row(const struct pair_row *row)
 *
 * A tile is two neighbouring windows. For each row of a window: four activations, six products that
 * serve two filters each, twelve multiply-accumulates: 38 cycles, or 12 where all four are zero.
 * Of the 38, activations take 9 (load, part, step), weights and lift 6, looking for zeros 3, the
 * multiplications 6, the sums in the lanes 4; the other 10 part the lanes again, after every three
 * taps, since full-size weights allow no more.
 *
 * Sums are kept as raw = low + (high << 16) modulo 2^32, and as high, each lifted: see the end.
 *
 * r0 window   r1 table   r2-r7 work
 * r8 raw, r9 high of the left window   r10 raw, r11 high of the right one
 * r12 pitch   lr sum of the high lifts
 */
    .file "conv2d_pair.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    /* struct pair_row */
    .equ TABLE, 0
    .equ TABLE_END, 4
    .equ WINDOWS, 8
    .equ WINDOWS_END, 12
    .equ PITCH, 16
    .equ FIRST, 20
    .equ SECOND, 24
    .equ ROW_BYTES, 28

    .macro window_row number
    ldrh r2, [r0]
    ldrh r3, [r0, #2]
    add r0, r12
    movs r4, r2
    orrs r4, r3
    beq zeros_\number
    ldm r1!, {r4, r5, r7}        /* weights w0, w1, w2 of both filters */
    uxtb r6, r2                  /* a0 */
    lsrs r2, r2, #8              /* a1 */
    muls r6, r4, r6              /* left: w0 a0 */
    muls r4, r2, r4              /* right: w0 a1 */
    muls r2, r5, r2
    adds r6, r2                  /* left: + w1 a1 */
    uxtb r2, r3                  /* a2 */
    muls r5, r2, r5
    adds r4, r5                  /* right: + w1 a2 */
    muls r2, r7, r2
    adds r6, r2                  /* left: + w2 a2 */
    lsrs r3, r3, #8              /* a3 */
    muls r3, r7, r3
    adds r4, r3                  /* right: + w2 a3 */
    ldm r1!, {r2}                /* lift */
    lsrs r3, r2, #16
    add lr, r3
    adds r3, r6, r2              /* lifted, the lanes are apart */
    lsrs r3, r3, #16
    add r9, r3
    add r8, r6
    adds r2, r2, r4
    lsrs r2, r2, #16
    add r11, r2
    add r10, r4
next_\number:
    .endm

    .macro row_of_zeros number
zeros_\number:
    adds r1, #16
    b next_\number
    .endm

    .section .text.conv2d_pair_row, "ax"
    .balign 4
    .global conv2d_pair_row
    .type conv2d_pair_row, %function
    .thumb_func
conv2d_pair_row:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    sub sp, #ROW_BYTES
    mov r1, sp                   /* a copy of the arguments, where SP reaches them */
    ldm r0!, {r2-r5}
    stm r1!, {r2-r5}
    ldm r0!, {r2-r4}
    stm r1!, {r2-r4}
    mov r12, r2
    ldr r0, [sp, #WINDOWS]
    b tile
    row_of_zeros 0               /* where all three branches reach them */
    row_of_zeros 1
    row_of_zeros 2
tile:
    movs r2, #0
    mov r8, r2
    mov r9, r2
    mov r10, r2
    mov r11, r2
    mov lr, r2
    ldr r1, [sp, #TABLE]
rows:
    window_row 0
    window_row 1
    window_row 2
    ldr r2, [sp, #TABLE_END]
    cmp r1, r2
    bne rows

    /* high -= lifts; low = raw - (high << 16) */
    mov r3, lr
    mov r2, r9
    subs r2, r3
    mov r4, r8
    lsls r5, r2, #16
    subs r4, r5
    mov r5, r11
    subs r5, r3
    mov r6, r10
    lsls r7, r5, #16
    subs r6, r7
    ldr r7, [sp, #FIRST]
    stm r7!, {r4, r6}
    str r7, [sp, #FIRST]
    ldr r7, [sp, #SECOND]
    stm r7!, {r2, r5}
    str r7, [sp, #SECOND]
    ldr r0, [sp, #WINDOWS]
    adds r0, #2
    str r0, [sp, #WINDOWS]
    ldr r2, [sp, #WINDOWS_END]
    cmp r0, r2
    beq end_of_row
    b tile

end_of_row:
    add sp, #ROW_BYTES
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size conv2d_pair_row, . - conv2d_pair_row
