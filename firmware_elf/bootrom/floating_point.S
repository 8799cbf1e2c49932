/* The functions of both floating-point tables (RP2040 datasheet 2.8.3.2.2). The simulator computes them
 * (sim/cpu/rom_float.py); here stands how long each takes, from its first instruction to its caller's
 * next, as long as the chip's on average. An interrupt finds its way in as it does there.
 *
 *   UDF          | does
 *   n            | function n of the soft-float table; 32 + n: of the soft-double table
 *   PASS + r     | lets as many cycles go by as rN says
 *
 * Sources: of float's arithmetic and square root, double2ufix64 and double2float the datasheet's table (its
 * averages; fsub lies between it and the next); of the other arithmetic and of all functions Qfplib-M0-full's
 * own figures, from which the chip's were made, less 3 for the BL that they contain, ddiv less 9 more, which
 * the hardware divider saves fdiv. Other conversions and comparisons are "assumed", of the size of those known.
 */
    .file "floating_point.S"   /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ DOUBLES, 32
    .equ PASS, 64

    .macro function name
    .global \name
    .type \name, %function
    .thumb_func
\name:
    .endm

    /* Of the cycles, 1 is UDF's, 2 are LDR's and 2 BX's. */
    .macro computed name, number, cycles
    .section .text.\name, "ax"
    .balign 4
function rom_\name
    udf #\number
    ldr r3, =\cycles - 5
    udf #PASS + 3
    bx lr
    .pool
    .endm

    /* For a counter that the caller needs: PUSH takes 3 and POP 5. */
    .macro computed_apart name, number, cycles, counter
    .section .text.\name, "ax"
    .balign 4
function rom_\name
    push {r\counter, lr}
    udf #\number
    ldr r\counter, =\cycles - 11
    udf #PASS + \counter
    pop {r\counter, pc}
    .pool
    .endm

    computed fadd, 0, 71
    computed fsub, 1, 74
    computed fmul, 2, 69
    computed fdiv, 3, 71
    computed fcmp, 4, 40                    /* assumed */
    computed_apart fcmp_flags, 5, 40, 3    /* assumed; all registers are kept */
    computed fsqrt, 6, 63
    computed float2int, 7, 40               /* assumed, as all below to ufix2float */
    computed float2fix, 8, 40
    computed float2uint, 9, 40
    computed float2ufix, 10, 40
    computed int2float, 11, 52
    computed fix2float, 12, 52
    computed uint2float, 13, 52
    computed ufix2float, 14, 52
    computed fcos, 15, 592
    computed fsin, 16, 581
    computed ftan, 17, 668
    computed fexp, 19, 258
    computed fln, 20, 274
    computed fatan2, 22, 670
    computed int642float, 23, 60            /* assumed, as all below to float2double */
    computed fix642float, 24, 60
    computed uint642float, 25, 60
    computed ufix642float, 26, 60
    computed float2int64, 27, 52
    computed float2fix64, 28, 52
    computed float2uint64, 29, 52
    computed float2ufix64, 30, 52
    computed float2double, 31, 23

    computed dadd, DOUBLES + 0, 91
    computed dsub, DOUBLES + 1, 97
    computed dmul, DOUBLES + 2, 160
    computed ddiv, DOUBLES + 3, 188
    computed dcmp, DOUBLES + 4, 40          /* assumed */
    computed_apart dcmp_flags, DOUBLES + 5, 40, 3
    computed dsqrt, DOUBLES + 6, 171
    computed double2int, DOUBLES + 7, 52    /* assumed, as all below to ufix2double */
    computed double2fix, DOUBLES + 8, 52
    computed double2uint, DOUBLES + 9, 52
    computed double2ufix, DOUBLES + 10, 52
    computed int2double, DOUBLES + 11, 60
    computed fix2double, DOUBLES + 12, 60
    computed uint2double, DOUBLES + 13, 60
    computed ufix2double, DOUBLES + 14, 60
    computed dcos, DOUBLES + 15, 1620
    computed dsin, DOUBLES + 16, 1621
    computed dtan, DOUBLES + 17, 1903
    computed_apart dsincos, DOUBLES + 18, 1700, 4 /* assumed: one reduction, both results */
    computed dexp, DOUBLES + 19, 808
    computed dln, DOUBLES + 20, 461
    computed datan2, DOUBLES + 22, 2184
    computed int642double, DOUBLES + 23, 60 /* assumed, as all below to double2uint64 */
    computed fix642double, DOUBLES + 24, 60
    computed uint642double, DOUBLES + 25, 60
    computed ufix642double, DOUBLES + 26, 60
    computed double2int64, DOUBLES + 27, 52
    computed double2fix64, DOUBLES + 28, 52
    computed double2uint64, DOUBLES + 29, 52
    computed double2ufix64, DOUBLES + 30, 52
    computed double2float, DOUBLES + 31, 23
