/* void update_weights(const struct row_update *)
 * void update_scores(const struct row_update *)
 *
 * 36 to 40 cycles an edge: the gradient 8 (11 with a score), its sign 1 to 3, its rounding 14, the
 * value 10, the loop 3. What rounds to 0 ends before the value: 12 less.
 *
 * r0 left   r1 shift   r2 cut   r3 gradient   r4 dropped bits   r5 threshold   r6 edge   r7 list
 * r8 ones   r9 error   r10 trained   r11 weights less trained   r12 end
 */
    .file "edges_update.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    /* struct row_update */
    .equ LIST, 0
    .equ LIST_END, 4
    .equ TRAINED, 8
    .equ WEIGHTS, 12
    .equ ERROR, 16
    .equ SHIFT, 20
    .equ LEFT, 24
    .equ CUT, 28
    .equ ONES, 32

    /* r3 = r3 / 2^shift, rounded and limited to 127 (rounding.h); on to `next` where it is 0. */
    .macro round_magnitude next
    movs r4, r3
    lsls r4, r0
    lsrs r3, r1
    movs r5, r4
    lsls r5, r2
    add r5, r8
    cmp r4, r5
    bls 5f
    adds r3, #1
5:
    cmp r3, #0
    beq \next
    cmp r3, #127
    bls 6f
    movs r3, #127
6:
    .endm

    .macro function name, scored
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
    ldr r1, [r0, #LIST_END]
    mov r12, r1
    ldr r1, [r0, #TRAINED]
    mov r10, r1
    ldr r1, [r0, #WEIGHTS]
    mov r11, r1
    ldr r1, [r0, #ERROR]
    mov r9, r1
    ldr r1, [r0, #ONES]
    mov r8, r1
    ldr r7, [r0, #LIST]
    ldr r2, [r0, #CUT]
    ldr r1, [r0, #SHIFT]
    ldr r0, [r0, #LEFT]
1:
    ldm r7!, {r6}
    sxtb r3, r6
    lsrs r6, r6, #8
    add r6, r10
    mov r4, r9
    muls r3, r4, r3
    .if \scored
    mov r4, r11
    ldrsb r4, [r6, r4]
    muls r3, r4, r3
    .else
    cmp r3, #0
    .endif
    bmi 3f
    round_magnitude 2f
    movs r4, #0
    ldrsb r4, [r6, r4]
    subs r4, r4, r3
    movs r5, #127
    cmn r4, r5
    bge 4f
    rsbs r4, r5, #0
4:
    strb r4, [r6]
2:
    cmp r7, r12
    bne 1b
    b 7f
3:
    rsbs r3, r3, #0
    round_magnitude 2b
    movs r4, #0
    ldrsb r4, [r6, r4]
    adds r4, r4, r3
    cmp r4, #127
    ble 4b
    movs r4, #127
    b 4b
7:
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .size \name, . - \name
    .endm

    function update_weights, 0
    function update_scores, 1
