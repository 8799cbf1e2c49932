/* The two backward operations of a 3x3 convolution, one error after the other.
 *
 * conv2d_spread: 69 cycles for 9 products, 7.7 each: a row of three sums is loaded and stored with
 * 8 cycles, a weight taken from its register, the product and the sum are 3 (4 from the stack).
 * conv2d_gather: 57 cycles for 9 products, 6.3 each: load and sign of the input, product and sum
 * are 5.
 */
    .file "conv2d_errors.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .macro save_registers
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    mov r7, r11
    push {r4-r7}
    .endm

    .macro restore_registers
    pop {r4-r7}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    mov r11, r7
    pop {r4-r7, pc}
    .endm

    /* const uint32_t *conv2d_spread(list, kernel, sums, pitch)
     *
     * r0 list   r1 place   r2 error   r3-r5 three sums   r6 product   r7 sums
     * r8-r12 weights 0 to 4, [sp] weights 5 to 8   lr from the end of a row to the next
     */
    .macro weight number, register
    ldrsb r6, [r1, r4]
    adds r4, #1
    mov \register, r6
    .endm

    .macro stacked_weight number
    ldrsb r6, [r1, r4]
    adds r4, #1
    str r6, [sp, #4 * (\number - 5)]
    .endm

    .macro tap sum, register
    mov r6, \register
    muls r6, r2, r6
    adds \sum, r6
    .endm

    .macro stacked_tap sum, number
    ldr r6, [sp, #4 * (\number - 5)]
    muls r6, r2, r6
    adds \sum, r6
    .endm

    .section .text.conv2d_spread, "ax"
    .balign 4
    .global conv2d_spread
    .type conv2d_spread, %function
    .thumb_func
conv2d_spread:
    mov r12, r3
    ldr r3, [r0]
    cmp r3, #0
    bne 1f
    adds r0, #4
    bx lr
1:
    mov r3, r12
    save_registers
    sub sp, #16
    movs r7, r2
    lsls r3, r3, #2
    subs r3, #12
    mov lr, r3
    movs r4, #0
    weight 0, r8
    weight 1, r9
    weight 2, r10
    weight 3, r11
    weight 4, r12
    stacked_weight 5
    stacked_weight 6
    stacked_weight 7
    stacked_weight 8
    ldm r0!, {r1}
2:
    sxtb r2, r1
    lsrs r1, r1, #8
    lsls r1, r1, #2
    adds r1, r7
    ldm r1!, {r3-r5}
    tap r3, r8
    tap r4, r9
    tap r5, r10
    subs r1, #12
    stm r1!, {r3-r5}
    add r1, lr
    ldm r1!, {r3-r5}
    tap r3, r11
    tap r4, r12
    stacked_tap r5, 5
    subs r1, #12
    stm r1!, {r3-r5}
    add r1, lr
    ldm r1!, {r3-r5}
    stacked_tap r3, 6
    stacked_tap r4, 7
    stacked_tap r5, 8
    subs r1, #12
    stm r1!, {r3-r5}
    ldm r0!, {r1}
    cmp r1, #0
    bne 2b
    add sp, #16
    restore_registers
    .size conv2d_spread, . - conv2d_spread

    /* void conv2d_gather(list, inputs, pitch, gradients)
     *
     * r0 list   r1 place   r2 error   r3 input, product   r4 pitch
     * r8-r12, lr, r5-r7 sums   [sp] inputs, gradients
     */
    .macro meet column
    ldrb r3, [r1, #\column]
    sxtb r3, r3
    muls r3, r2, r3
    .endm

    .section .text.conv2d_gather, "ax"
    .balign 4
    .global conv2d_gather
    .type conv2d_gather, %function
    .thumb_func
conv2d_gather:
    save_registers
    push {r1, r3}
    movs r4, r2
    movs r5, #0
    movs r6, #0
    movs r7, #0
    mov r8, r5
    mov r9, r5
    mov r10, r5
    mov r11, r5
    mov r12, r5
    mov lr, r5
    ldm r0!, {r1}
    cmp r1, #0
    beq 2f
1:
    sxtb r2, r1
    lsrs r1, r1, #8
    ldr r3, [sp]
    adds r1, r3
    meet 0
    add r8, r3
    meet 1
    add r9, r3
    meet 2
    add r10, r3
    adds r1, r4
    meet 0
    add r11, r3
    meet 1
    add r12, r3
    meet 2
    add lr, r3
    adds r1, r4
    meet 0
    adds r5, r3
    meet 1
    adds r6, r3
    meet 2
    adds r7, r3
    ldm r0!, {r1}
    cmp r1, #0
    bne 1b
2:
    ldr r0, [sp, #4]
    mov r1, r8
    mov r2, r9
    mov r3, r10
    stm r0!, {r1-r3}
    mov r1, r11
    mov r2, r12
    mov r3, lr
    stm r0!, {r1-r3}
    stm r0!, {r5-r7}
    add sp, #8
    restore_registers
    .size conv2d_gather, . - conv2d_gather
