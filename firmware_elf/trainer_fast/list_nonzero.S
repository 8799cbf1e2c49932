/* uint32_t *list_nonzero(const int8_t *plane, height, width, pitch, uint32_t *list)
 *
 * 7 cycles for a word of zeros, 14 for an element of the list, 7 for a zero before one. Words that
 * reach over the plane's ends are read whole and cut.
 *
 * r0 element   r1 list   r2 word   r3 value   r4 end of row   r5 where offset 0 would lie
 * r6 next word   r7 work   r8 pitch - width   r9 end   r10 width   r12 end of whole words
 */
    .file "list_nonzero.S"
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .section .text.list_nonzero, "ax"
    .balign 4
    .global list_nonzero
    .type list_nonzero, %function
    .thumb_func
list_nonzero:
    push {r4-r7, lr}
    mov r4, r8
    mov r5, r9
    mov r6, r10
    push {r4-r6}
    subs r3, r3, r2
    mov r8, r3
    mov r10, r2
    muls r1, r2, r1
    adds r1, r1, r0
    mov r9, r1
    lsrs r1, r1, #2
    lsls r1, r1, #2
    mov r12, r1
    adds r4, r0, r2
    movs r5, r0
    ldr r1, [sp, #32]            /* the fifth argument, behind eight registers */
    lsrs r6, r0, #2
    lsls r6, r6, #2
    subs r0, r0, r6
    beq next
    lsls r0, r0, #3              /* the plane begins inside of a word */
    ldm r6!, {r2}
    lsrs r2, r0
    lsls r2, r0
    cmp r6, r9
    bhi cut
    cmp r2, #0
    bne take
next:
    cmp r6, r12
    bhs tail
    ldm r6!, {r2}
    cmp r2, #0
    beq next
take:
    subs r0, r6, #4
byte:
    lsls r3, r2, #24
    beq skip
    lsrs r3, r3, #24
    cmp r0, r4
    bhs next_row
in_row:
    subs r7, r0, r5
    lsls r7, r7, #8
    orrs r7, r3
    stm r1!, {r7}
skip:
    adds r0, #1
    lsrs r2, r2, #8
    bne byte
    b next
next_row:
    add r4, r10
    mov r7, r8
    subs r5, r5, r7
    cmp r0, r4
    bhs next_row
    b in_row
tail:
    cmp r6, r9
    bhs done
    ldm r6!, {r2}                /* the plane ends inside of a word */
cut:
    mov r7, r9
    subs r7, r6, r7
    lsls r7, r7, #3
    lsls r2, r7
    lsrs r2, r7
    bne take
    b next
done:
    movs r0, r1
    pop {r4-r6}
    mov r8, r4
    mov r9, r5
    mov r10, r6
    pop {r4-r7, pc}
    .size list_nonzero, . - list_nonzero
