/* void dense_columns(const struct columns *)
 * void dense_kept_columns(const struct columns *)
 * void dense_ternary_columns(const struct ternary_columns *)
 *
 * A word holds the weights of four columns. Without scores: 24 cycles for four edges, 6 each, of
 * which product and sum are 2, and to part the bytes 1.5. With scores 34 cycles, 8.5 each, and 41
 * where one of the four is pruned. With two thresholds 40 and 47 cycles, and about 30 more where one of
 * the four counts twice.
 *
 * Four scores s are compared at once: with u = s + 128 and T = threshold + 128 in 1..128, u >= T
 * shows in the highest bit of u | ((u | 128) - T), and no byte borrows from the next. With a double
 * threshold D in 1..127, u >= D + 128 shows in the highest bit of u & ((u | 128) - D).
 *
 * r0 list   r1 edges   r2 error   r3 weights   r4 work   r5 0x80808080   r6 scores   r7 kept
 * r8-r11 sums   r12 least   lr weights of these columns in row 0
 */
    .file "dense_columns.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

#include "double_weight.inc"

    /* struct columns */
    .equ LIST, 0
    .equ WEIGHTS, 4
    .equ SUMS, 8
    .equ SUMS_END, 12
    .equ SCORES, 16
    .equ LEAST, 20
    .equ LEAST_TWICE, 24         /* struct ternary_columns */
    .equ BYTES, 28

    /* r3 bits of the edges that count twice   r7 bits of those that are kept */
    .macro ternary_column place, sum
    lsls r4, r3, #24 - 8 * \place
    bmi 7f
    lsls r4, r7, #24 - 8 * \place
    bpl 9f
    movs r4, #\place
    ldrsb r4, [r1, r4]
    b 8f
7:
    movs r4, #\place
    ldrsb r4, [r1, r4]
    double_weight r4
8:
    muls r4, r2, r4
    add \sum, r4
9:
    .endm

    .macro function name, thresholds
    .section .text.\name, "ax"
    .balign 4
    .global \name
    .type \name, %function
    .thumb_func
\name:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    sub sp, #BYTES
    mov r1, sp                   /* a copy of the arguments, where SP reaches them */
    ldm r0!, {r2-r4}
    stm r1!, {r2-r4}
    mov lr, r3
    ldm r0!, {r2-r4}
    stm r1!, {r2-r4}
    mov r12, r4
    movs r6, r3
    .if \thresholds > 1
    ldr r4, [r0]
    str r4, [r1]
    .endif
    movs r5, #0x80
    lsls r4, r5, #8
    orrs r5, r4
    lsls r4, r5, #16
    orrs r5, r4
1:                               /* four columns */
    ldr r0, [sp, #SUMS]
    ldm r0!, {r1-r4}
    mov r8, r1
    mov r9, r2
    mov r10, r3
    mov r11, r4
    ldr r0, [sp, #LIST]
    ldm r0!, {r1}
2:                               /* one row */
    sxtb r2, r1
    lsrs r1, r1, #8
    add r1, lr
    .if \thresholds
    ldr r4, [r1, r6]
    eors r4, r5
    movs r7, r4
    orrs r7, r5
    .if \thresholds > 1
    ldr r3, [sp, #LEAST_TWICE]
    adds r3, r7
    ands r3, r4
    ands r3, r5
    bne 6f
    .endif
    add r7, r12
    orrs r7, r4
    ands r7, r5
    cmp r7, r5
    bne 4f
    .endif
    ldr r3, [r1]
3:
    sxtb r4, r3
    muls r4, r2, r4
    add r8, r4
    lsls r4, r3, #16
    asrs r4, r4, #24
    muls r4, r2, r4
    add r9, r4
    lsls r4, r3, #8
    asrs r4, r4, #24
    muls r4, r2, r4
    add r10, r4
    asrs r3, r3, #24
    muls r3, r2, r3
    add r11, r3
5:
    ldm r0!, {r1}
    cmp r1, #0
    bne 2b

    ldr r0, [sp, #SUMS]
    mov r1, r8
    mov r2, r9
    mov r3, r10
    mov r4, r11
    stm r0!, {r1-r4}
    str r0, [sp, #SUMS]
    movs r1, #4
    add lr, r1
    ldr r1, [sp, #SUMS_END]
    cmp r0, r1
    bne 1b
    add sp, #BYTES
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .if \thresholds
4:                               /* fill the bytes of the edges that are kept */
    lsrs r4, r7, #7
    subs r4, r7, r4
    orrs r4, r7
    ldr r3, [r1]
    ands r3, r4
    b 3b
    .endif
    .if \thresholds > 1
6:                               /* one by one */
    add r7, r12
    orrs r7, r4
    ternary_column 0, r8
    ternary_column 1, r9
    ternary_column 2, r10
    ternary_column 3, r11
    b 5b
    .endif
    .size \name, . - \name
    .endm

    function dense_columns, 0
    function dense_kept_columns, 1
    function dense_ternary_columns, 2
