/* Copying and filling (RP2040 datasheet 2.8.3.1.2): 13 and 8 cycles for 16 bytes that lie alike within
 * their words, 7 for a byte where they do not; fewer than 8 bytes go by as many instructions.
 */
    .file "memory.S"           /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    .equ SHORT, 7

    .section .text.memcpy, "ax"
    .balign 4
    /* Where both lie at the start of a word. */
function rom_memcpy44
    mov ip, r0
    b copy_words

    /* r0: target, which comes back; r1: source; r2: bytes. */
function rom_memcpy
    movs r3, #SHORT
    subs r3, r2
    bhs copy_short
    mov ip, r0
    movs r3, r0
    eors r3, r1
    lsls r3, #30
    bne copy_bytes
copy_head:
    lsls r3, r0, #30
    beq copy_words
    ldrb r3, [r1]
    strb r3, [r0]
    adds r1, #1
    adds r0, #1
    subs r2, #1
    b copy_head

copy_words:
    push {r4-r6}
    subs r2, #16
    blo 2f
    .balign 4
1:
    ldm r1!, {r3-r6}
    stm r0!, {r3-r6}
    subs r2, #16
    bhs 1b
2:
    pop {r4-r6}
    adds r2, #12
    blo 4f
3:
    ldm r1!, {r3}
    stm r0!, {r3}
    subs r2, #4
    bhs 3b
4:
    adds r2, #4
    beq copied
copy_bytes:                      /* from the last on */
    subs r2, #1
    ldrb r3, [r1, r2]
    strb r3, [r0, r2]
    bne copy_bytes
copied:
    mov r0, ip
    bx lr

copy_short:                      /* r3: so many of these pairs are left out */
    lsls r3, #2
    add pc, r3
    nop                          /* PC is read two instructions on */
    .irp at, 6, 5, 4, 3, 2, 1, 0
    ldrb r3, [r1, #\at]
    strb r3, [r0, #\at]
    .endr
    bx lr

    .section .text.memset, "ax"
    .balign 4
    /* Where the target lies at the start of a word. */
function rom_memset4
    mov ip, r0
    b fill_words

    /* r0: target, which comes back; r1: the byte; r2: bytes. */
function rom_memset
    movs r3, #SHORT
    subs r3, r2
    bhs fill_short
    mov ip, r0
fill_head:
    lsls r3, r0, #30
    beq fill_words
    strb r1, [r0]
    adds r0, #1
    subs r2, #1
    b fill_head

fill_words:
    uxtb r1, r1
    lsls r3, r1, #8
    orrs r1, r3
    lsls r3, r1, #16
    orrs r1, r3
    mov r3, r1
    subs r2, #16
    blo 2f
    push {r4, r5}
    mov r4, r1
    mov r5, r1
    .balign 4
1:
    stm r0!, {r1, r3, r4, r5}
    subs r2, #16
    bhs 1b
    pop {r4, r5}
2:
    adds r2, #12
    blo 4f
3:
    stm r0!, {r1}
    subs r2, #4
    bhs 3b
4:
    adds r2, #4
    beq filled
5:
    subs r2, #1
    strb r1, [r0, r2]
    bne 5b
filled:
    mov r0, ip
    bx lr

fill_short:
    lsls r3, #1
    add pc, r3
    nop
    .irp at, 6, 5, 4, 3, 2, 1, 0
    strb r1, [r0, #\at]
    .endr
    bx lr
