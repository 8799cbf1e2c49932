/* void dense_four_rows(const struct four_rows *)
 * void dense_four_kept_rows(const struct four_rows *)
 * void dense_four_ternary_rows(const struct ternary_rows *)
 *
 * Each entry of the list serves four rows. Whole rows: 23 cycles an entry, 5.75 an edge, of which
 * the load of the weight, the product and the sum are 4. With scores: 43 cycles, 10.8 an edge whose
 * score is high enough, 8 of them for score, comparison, weight, product and sum; a pruned edge
 * takes 3 less. With two thresholds: 53 cycles, and 11 more for an edge that counts twice.
 */
    .file "dense_rows.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

#include "double_weight.inc"

    /* struct four_rows */
    .equ LIST, 0
    .equ LIST_END, 4
    .equ ROW, 8
    .equ STRIDE, 12
    .equ SUMS, 16
    .equ SCORES, 20
    .equ THRESHOLD, 24
    .equ DOUBLE_THRESHOLD, 28    /* struct ternary_rows */

    .macro enter
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r0, r4-r7}
    movs r1, #0
    mov r8, r1
    mov r9, r1
    mov r10, r1
    mov r11, r1
    ldr r1, [r0, #LIST_END]
    mov r12, r1
    .endm

    .macro leave
    pop {r0}
    ldr r0, [r0, #SUMS]
    mov r1, r8
    mov r2, r9
    mov r3, r10
    mov r4, r11
    stm r0!, {r1-r4}
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .endm

    /* r0 list   r1 column   r2 input   r3 weight   r4-r7 rows   r8-r11 sums   r12 end */
    .macro edge row, sum
    ldrsb r3, [\row, r1]
    muls r3, r2, r3
    add \sum, r3
    .endm

    .section .text.dense_four_rows, "ax"
    .balign 4
    .global dense_four_rows
    .type dense_four_rows, %function
    .thumb_func
dense_four_rows:
    enter
    ldr r1, [r0, #STRIDE]
    ldr r4, [r0, #ROW]
    adds r5, r4, r1
    adds r6, r5, r1
    adds r7, r6, r1
    ldr r0, [r0, #LIST]
1:
    ldm r0!, {r1}
    sxtb r2, r1
    lsrs r1, r1, #8
    edge r4, r8
    edge r5, r9
    edge r6, r10
    edge r7, r11
    cmp r0, r12
    bne 1b
    leave
    .size dense_four_rows, . - dense_four_rows

    /* r0 list   r1 edge   r2 input   r3 score, weight   r4 0   r5 scores   r6 threshold   r7 stride
     * r8-r11 sums   r12 end   lr row
     */
    .macro kept_edge sum
    ldrsb r3, [r1, r5]
    cmp r3, r6
    blt 2f
    ldrsb r3, [r1, r4]
    muls r3, r2, r3
    add \sum, r3
2:
    .endm

    .section .text.dense_four_kept_rows, "ax"
    .balign 4
    .global dense_four_kept_rows
    .type dense_four_kept_rows, %function
    .thumb_func
dense_four_kept_rows:
    enter
    ldr r1, [r0, #ROW]
    mov lr, r1
    ldr r7, [r0, #STRIDE]
    ldr r6, [r0, #THRESHOLD]
    ldr r5, [r0, #SCORES]
    movs r4, #0
    ldr r0, [r0, #LIST]
1:
    ldm r0!, {r1}
    sxtb r2, r1
    lsrs r1, r1, #8
    add r1, lr
    kept_edge r8
    adds r1, r7
    kept_edge r9
    adds r1, r7
    kept_edge r10
    adds r1, r7
    kept_edge r11
    cmp r0, r12
    bne 1b
    leave
    .size dense_four_kept_rows, . - dense_four_kept_rows

    /* r0 list   r1 edge   r2 input   r3 score, weight   r4 0   r5 scores   r6 threshold
     * r7 double threshold   r8-r11 sums   r12 stride   lr row   [sp] end
     */
    .macro ternary_edge number, sum
    ldrsb r3, [r1, r5]
    cmp r3, r6
    blt 4\number\()f
    cmp r3, r7
    bge 2\number\()f
    ldrsb r3, [r1, r4]
3\number:
    muls r3, r2, r3
    add \sum, r3
4\number:
    .endm

    .macro ternary_twice number
2\number:
    ldrsb r3, [r1, r4]
    double_weight r3
    b 3\number\()b
    .endm

    .section .text.dense_four_ternary_rows, "ax"
    .balign 4
    .global dense_four_ternary_rows
    .type dense_four_ternary_rows, %function
    .thumb_func
dense_four_ternary_rows:
    enter
    push {r1}
    ldr r1, [r0, #ROW]
    mov lr, r1
    ldr r1, [r0, #STRIDE]
    mov r12, r1
    ldr r7, [r0, #DOUBLE_THRESHOLD]
    ldr r6, [r0, #THRESHOLD]
    ldr r5, [r0, #SCORES]
    movs r4, #0
    ldr r0, [r0, #LIST]
1:
    ldm r0!, {r1}
    sxtb r2, r1
    lsrs r1, r1, #8
    add r1, lr
    ternary_edge 0, r8
    add r1, r12
    ternary_edge 1, r9
    add r1, r12
    ternary_edge 2, r10
    add r1, r12
    ternary_edge 3, r11
    ldr r3, [sp]
    cmp r0, r3
    bne 1b
    pop {r1}
    leave
    ternary_twice 0
    ternary_twice 1
    ternary_twice 2
    ternary_twice 3
    .size dense_four_ternary_rows, . - dense_four_ternary_rows
