/* What C cannot say: results in flags or in several registers; and subtraction. A NaN counts as a number beyond infinity,
 * as the RP2040's ROM takes it (datasheet 2.8.3.2).
 */
    .file "compare.S"          /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    /* libgcc's own subtractions would take 2.5 KB. */
    .section .text.subtract, "ax"
function rom_fsub
function __aeabi_fsub
    movs r2, #1
    lsls r2, #31
    eors r1, r2
    ldr r2, =__aeabi_fadd
    bx r2

function rom_dsub
function __aeabi_dsub
    push {r4}
    movs r4, #1
    lsls r4, #31
    eors r3, r4
    ldr r4, =__aeabi_dadd
    mov ip, r4
    pop {r4}
    bx ip
    .pool

    /* -1, 0 or 1 in r0, and the flags of such a comparison. */
    .section .text.fcmp, "ax"
function rom_fcmp
    push {lr}
    bl float_order
    adds r1, r0, #1
    cmp r1, #1
    pop {pc}

    /* The flags alone, all registers kept. */
function rom_fcmp_flags
    push {r0-r3, lr}
    bl rom_fcmp
    pop {r0-r3, pc}

    .section .text.dcmp, "ax"
function rom_dcmp
    push {lr}
    bl double_order
    adds r1, r0, #1
    cmp r1, #1
    pop {pc}

function rom_dcmp_flags
    push {r0-r3, lr}
    bl rom_dcmp
    pop {r0-r3, pc}

    /* struct { double sine, cosine; } is returned in memory; the table's entry has it in r0-r3. */
    .section .text.dsincos, "ax"
function rom_dsincos
    push {lr}
    sub sp, #20
    mov r2, r0
    mov r3, r1
    mov r0, sp
    bl double_sincos
    pop {r0-r3}
    add sp, #4
    pop {pc}

    /* Sine in r0, cosine in r1. */
    .section .text.fsincos, "ax"
function rom_fsin
    push {lr}
    sub sp, #12
    mov r1, r0
    mov r0, sp
    bl float_sincos
    pop {r0, r1}
    add sp, #4
    pop {pc}
