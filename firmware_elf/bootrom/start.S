/* The start of the ROM: vector table, well-known pointers and the tables behind them, laid out as in
 * the RP2040's boot ROM (datasheet 2.8.2, 2.8.3). All code behind the tables is our own.
 *
 * What a simulator does in the hardware's stead is asked for by a breakpoint:
 *
 *   BKPT  | asks for                                 | arguments
 *   0xF0  | erase flash                              | r0 offset, r1 bytes: multiples of 4096
 *   0xF1  | program flash                            | r0 offset, r1 source, r2 bytes: multiples of 256
 *   0xF3  | the USB boot loader; it never comes back | r0 activity pin mask, r1 interfaces disabled
 *
 * and floating point by UDF (floating_point.S).
 */
    .file "start.S"          /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ SIO_CPUID, 0xd0000000

    .macro entry first, second, target
    .byte \first, \second
    .hword \target
    .endm

    .section .vectors, "ax"
    .word __StackTop
    .word _start + 1
    .word exception + 1          /* NMI */
    .word exception + 1          /* HardFault */
    .byte 'M', 'u', 1           /* 0x10: magic number and version of the layout */
    .byte 3                      /* version of the ROM: B2 */
    .hword function_table
    .hword data_table
    .hword rom_table_lookup + 1
    .hword 0

    .balign 4
function_table:
    entry 'P', '3', popcount32 + 1
    entry 'R', '3', reverse32 + 1
    entry 'L', '3', clz32 + 1
    entry 'T', '3', ctz32 + 1
    entry 'M', 'S', rom_memset + 1
    entry 'S', '4', rom_memset4 + 1
    entry 'M', 'C', rom_memcpy + 1
    entry 'C', '4', rom_memcpy44 + 1
    entry 'U', 'B', reset_to_usb_boot + 1
    entry 'D', 'T', debug_trampoline + 1
    entry 'D', 'E', debug_trampoline_end + 1
    entry 'W', 'V', wait_for_vector + 1
    entry 'I', 'F', connect_internal_flash + 1
    entry 'E', 'X', flash_exit_xip + 1
    entry 'R', 'E', flash_range_erase + 1
    entry 'R', 'P', flash_range_program + 1
    entry 'F', 'C', flash_flush_cache + 1
    entry 'C', 'X', flash_enter_cmd_xip + 1
    .hword 0

    .balign 4
data_table:
    entry 'C', 'R', copyright
    entry 'G', 'R', git_revision
    entry 'F', 'S', __fplib_start
    entry 'F', 'E', __fplib_end
    entry 'F', 'Z', soft_float_table_entries
    entry 'S', 'F', soft_float_table
    entry 'S', 'D', soft_double_table
    .hword 0

copyright:
    .asciz "An independent boot ROM for simulated RP2040s"
    .balign 4
git_revision:
    .word 0

    /* Both tables: datasheet 2.8.3.2.2. */
    .balign 4
    .hword 0
soft_float_table_entries:
    .byte (soft_float_table_end - soft_float_table) / 4, 0
soft_float_table:
    .word rom_fadd + 1           /* 0x00 */
    .word rom_fsub + 1           /* 0x04 */
    .word rom_fmul + 1           /* 0x08 */
    .word rom_fdiv + 1           /* 0x0c */
    .word rom_fcmp + 1           /* 0x10 */
    .word rom_fcmp_flags + 1     /* 0x14 */
    .word rom_fsqrt + 1          /* 0x18 */
    .word rom_float2int + 1      /* 0x1c */
    .word rom_float2fix + 1      /* 0x20 */
    .word rom_float2uint + 1     /* 0x24 */
    .word rom_float2ufix + 1     /* 0x28 */
    .word rom_int2float + 1      /* 0x2c */
    .word rom_fix2float + 1      /* 0x30 */
    .word rom_uint2float + 1     /* 0x34 */
    .word rom_ufix2float + 1     /* 0x38 */
    .word rom_fcos + 1           /* 0x3c */
    .word rom_fsin + 1           /* 0x40 */
    .word rom_ftan + 1           /* 0x44 */
    .word rom_fsin + 1           /* 0x48: sine in r0, cosine in r1 */
    .word rom_fexp + 1           /* 0x4c */
    .word rom_fln + 1            /* 0x50 */
    .word rom_fcmp + 1           /* 0x54 */
    .word rom_fatan2 + 1         /* 0x58 */
    .word rom_int642float + 1    /* 0x5c */
    .word rom_fix642float + 1    /* 0x60 */
    .word rom_uint642float + 1   /* 0x64 */
    .word rom_ufix642float + 1   /* 0x68 */
    .word rom_float2int64 + 1    /* 0x6c */
    .word rom_float2fix64 + 1    /* 0x70 */
    .word rom_float2uint64 + 1   /* 0x74 */
    .word rom_float2ufix64 + 1   /* 0x78 */
    .word rom_float2double + 1   /* 0x7c */
soft_float_table_end:
    .hword 0
    .byte (soft_double_table_end - soft_double_table) / 4, 0
soft_double_table:
    .word rom_dadd + 1           /* 0x00 */
    .word rom_dsub + 1           /* 0x04 */
    .word rom_dmul + 1           /* 0x08 */
    .word rom_ddiv + 1           /* 0x0c */
    .word rom_dcmp + 1           /* 0x10 */
    .word rom_dcmp_flags + 1     /* 0x14 */
    .word rom_dsqrt + 1          /* 0x18 */
    .word rom_double2int + 1     /* 0x1c */
    .word rom_double2fix + 1     /* 0x20 */
    .word rom_double2uint + 1    /* 0x24 */
    .word rom_double2ufix + 1    /* 0x28 */
    .word rom_int2double + 1     /* 0x2c */
    .word rom_fix2double + 1     /* 0x30 */
    .word rom_uint2double + 1    /* 0x34 */
    .word rom_ufix2double + 1    /* 0x38 */
    .word rom_dcos + 1           /* 0x3c */
    .word rom_dsin + 1           /* 0x40 */
    .word rom_dtan + 1           /* 0x44 */
    .word rom_dsincos + 1        /* 0x48: sine in r0 and r1, cosine in r2 and r3 */
    .word rom_dexp + 1           /* 0x4c */
    .word rom_dln + 1            /* 0x50 */
    .word rom_dcmp + 1           /* 0x54 */
    .word rom_datan2 + 1         /* 0x58 */
    .word rom_int642double + 1   /* 0x5c */
    .word rom_fix642double + 1   /* 0x60 */
    .word rom_uint642double + 1  /* 0x64 */
    .word rom_ufix642double + 1  /* 0x68 */
    .word rom_double2int64 + 1   /* 0x6c */
    .word rom_double2fix64 + 1   /* 0x70 */
    .word rom_double2uint64 + 1  /* 0x74 */
    .word rom_double2ufix64 + 1  /* 0x78 */
    .word rom_double2float + 1   /* 0x7c */
soft_double_table_end:

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    .section .reset, "ax"
    /* r0: table, r1: code; gives the entry's value or 0. */
function rom_table_lookup
    ldrh r2, [r0]
    cmp r2, #0
    beq 1f
    ldrh r3, [r0, #2]
    adds r0, #4
    cmp r1, r2
    bne rom_table_lookup
    mov r2, r3
1:
    mov r0, r2
    bx lr

function _start
    ldr r0, =SIO_CPUID
    ldr r0, [r0]
    cmp r0, #0
    bne wait_for_vector
    ldr r0, =boot
    bx r0

    /* Core 1 waits for core 0 to launch it; there is no core 1 to launch. */
function wait_for_vector
    wfe
    b wait_for_vector

    /* Where core 1 comes when its program returns: asleep until it is reset, as on the chip. */
function core1_returned
    wfi
    b core1_returned

function exception
    b exception

    /* A debugger calls a ROM function: its address in r7, arguments in r0-r3. */
function debug_trampoline
    movs r6, #1
    orrs r7, r6
    blx r7
function debug_trampoline_end
    bkpt #0
    b debug_trampoline

function reset_to_usb_boot
    bkpt #0xf3
    b reset_to_usb_boot
    .pool
