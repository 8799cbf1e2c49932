/* Vector table and the way from reset to main, for programs of all three link types: what was
 * linked to run elsewhere than it is stored is copied, so only the linker scripts differ.
 */
    .file "crt0.S"          /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ SIO_CPUID, 0xd0000000
    .equ VTOR, 0xe000ed08

    .macro handler name
    .word \name
    .weak \name
    .thumb_set \name, unhandled_exception
    .endm

    /* 16 entries of the core (Arm DDI0419, B1.5.3), then the RP2040's 26 interrupts. */
    .section .vectors, "ax"
    .balign 4
    .global __vectors
__vectors:
    .word __StackTop
    .word _reset_handler
    handler isr_nmi
    handler isr_hardfault
    .rept 7
    .word unhandled_exception
    .endr
    handler isr_svcall
    .rept 2
    .word unhandled_exception
    .endr
    handler isr_pendsv
    handler isr_systick
    .irp number, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25
    handler isr_irq\number
    .endr

    .section .reset, "ax"
    .balign 4
    .type unhandled_exception, %function
    .thumb_func
unhandled_exception:
    bkpt #0
    b unhandled_exception

    /* A debugger starts here; the boot ROM and the second stage by the vector table. */
    .global _entry_point
    .type _entry_point, %function
    .thumb_func
_entry_point:
    ldr r0, =__vectors
enter_vector_table:
    ldr r1, =VTOR
    str r0, [r1]
    ldm r0!, {r1, r2}
    msr msp, r1
    bx r2

    .type _reset_handler, %function
    .thumb_func
_reset_handler:
    ldr r0, =SIO_CPUID
    ldr r0, [r0]
    cmp r0, #0
    beq core_0
    movs r0, #0                  /* core 1 waits in the boot ROM */
    b enter_vector_table
core_0:
    ldr r4, =copies
    ldr r5, =copies_end
next_copy:
    cmp r4, r5
    bhs clear_bss
    ldm r4!, {r1, r2, r3}        /* source, start, end */
    cmp r1, r2
    beq next_copy                /* loaded where it runs */
copy:
    cmp r2, r3
    bhs next_copy
    ldm r1!, {r0}
    stm r2!, {r0}
    b copy
clear_bss:
    ldr r1, =__bss_start__
    ldr r2, =__bss_end__
    movs r0, #0
clear:
    cmp r1, r2
    bhs platform_entry
    stm r1!, {r0}
    b clear
platform_entry:
    ldr r1, =runtime_init
    blx r1
    ldr r1, =main
    blx r1
    ldr r1, =_exit               /* with main's value */
    blx r1
    .pool

    .balign 4
copies:
    .word __ram_text_source__, __ram_text_start__, __ram_text_end__
    .word __etext, __data_start__, __data_end__
    .word __scratch_x_source__, __scratch_x_start__, __scratch_x_end__
    .word __scratch_y_source__, __scratch_y_start__, __scratch_y_end__
copies_end:
