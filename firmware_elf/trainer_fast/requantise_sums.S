/* void requantise(const int32_t *sums, int8_t *values, int32_t count, const struct rounding *)
 *
 * 11 cycles for a sum of 0, 23 to 27 for another: load, sign, store and loop are 11 to 14 of them.
 *
 * r0 left   r1 shift   r2 cut   r3 values   r4 sum   r5 dropped bits   r6 threshold   r7 sums
 * r8 ones   r9 end of sums
 */
    .file "requantise_sums.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    /* r4 = r4 / 2^shift, rounded and limited to 127; r4 is not negative. */
    .macro round_magnitude
    movs r5, r4
    lsls r5, r0
    lsrs r4, r1
    movs r6, r5
    lsls r6, r2
    add r6, r8
    cmp r5, r6
    bls 1f
    adds r4, #1
1:
    cmp r4, #127
    bls 2f
    movs r4, #127
2:
    .endm

    .macro store_and_continue
    strb r4, [r3]
    adds r3, #1
    cmp r7, r9
    bne next
    b done
    .endm

    .section .text.requantise, "ax"
    .balign 4
    .global requantise
    .type requantise, %function
    .thumb_func
requantise:
    cmp r2, #0
    bne begin
    bx lr
begin:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    push {r4, r5}
    movs r7, r0
    lsls r2, r2, #2
    adds r2, r2, r7
    mov r9, r2
    ldr r0, [r3, #12]
    mov r8, r0
    movs r4, r3
    movs r3, r1
    ldr r1, [r4]
    ldr r0, [r4, #4]
    ldr r2, [r4, #8]
next:
    ldm r7!, {r4}
    cmp r4, #0
    bgt positive
    bne negative
    store_and_continue
positive:
    round_magnitude
    store_and_continue
negative:
    rsbs r4, r4, #0
    round_magnitude
    rsbs r4, r4, #0
    store_and_continue
done:
    pop {r4, r5}
    mov r8, r4
    mov r9, r5
    pop {r4-r7, pc}
    .size requantise, . - requantise
