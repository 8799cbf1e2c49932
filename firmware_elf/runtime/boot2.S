/* The second stage for the Pico's flash, a Winbond W25Q16JV: 252 bytes that the boot ROM copies to the
 * end of SRAM, checks and calls (RP2040 datasheet 2.8.1.3.1). The build writes their CRC-32 behind
 * them. It lets words be read over four lines at half the system clock: address and mode bits in 8
 * clocks, 4 of waiting, data in 8. The mode bits tell the chip that the next read comes without an
 * instruction, too. Registers: datasheet 2.19.6.4 (pads), 4.10.13 (SSI); instructions: W25Q16JV, 8.1.2.
 */
    .file "boot2.S"          /* else the object file's passing name stands in the ELF file */
    .syntax unified
    .cpu cortex-m0plus
    .thumb

    .equ XIP_BASE, 0x10000000
    .equ XIP_SSI_BASE, 0x18000000
    .equ SSI_CTRLR0, 0x00
    .equ SSI_CTRLR1, 0x04
    .equ SSI_SSIENR, 0x08
    .equ SSI_BAUDR, 0x14
    .equ SSI_SR, 0x28
    .equ SSI_DR0, 0x60
    .equ SSI_RX_SAMPLE_DLY, 0xf0
    .equ SSI_SPI_CTRLR0, 0xf4
    .equ PADS_QSPI_BASE, 0x40020000
    .equ PAD_SCLK, 0x04
    .equ PAD_SD0, 0x08
    .equ VTOR, 0xe000ed08

    .equ CLOCK_DIVIDER, 2        /* clk_sys / SCK */
    .equ BYTES, 7 << 16          /* CTRLR0: DFS_32: 8 clocks a frame, both ways */
    .equ WORDS_BY_FOUR, (2 << 21) | (31 << 16) | (3 << 8) /* SPI_FRF, DFS_32; TMOD: EEPROM read */
    .equ READ, 0xeb              /* fast read quad I/O */
    .equ CONTINUOUS, 0xa0        /* mode bits */
    .equ FORMAT, (4 << 11) | (8 << 2) /* WAIT_CYCLES; ADDR_L: address and mode bits, by 4 bits */
    .equ FIRST_READ, FORMAT | (2 << 8) | 1   /* INST_L: 8 bits; TRANS_TYPE: these by one line */
    .equ READS, FORMAT | (CONTINUOUS << 24) | 2 /* XIP_CMD: mode bits; no instruction */

    .equ READ_STATUS1, 0x05
    .equ BUSY, 1 << 0
    .equ READ_STATUS2, 0x35
    .equ QUAD_ENABLED, 1 << 1
    .equ WRITE_ENABLE, 0x06
    .equ WRITE_STATUS2, 0x31

    .section .boot2, "ax"
    .global __boot2_entry_point
    .type __boot2_entry_point, %function
    .thumb_func
__boot2_entry_point:
    push {r4, lr}

    /* Pads for a fast clock: SCLK with 8 mA and fast slew, data without the Schmitt trigger's delay. */
    ldr r3, =PADS_QSPI_BASE
    movs r0, #(2 << 4) | 1       /* DRIVE, SLEWFAST */
    str r0, [r3, #PAD_SCLK]
    ldr r0, [r3, #PAD_SD0]
    movs r1, #1 << 1             /* SCHMITT */
    bics r0, r1
    str r0, [r3, #PAD_SD0]
    str r0, [r3, #PAD_SD0 + 4]
    str r0, [r3, #PAD_SD0 + 8]
    str r0, [r3, #PAD_SD0 + 12]

    ldr r3, =XIP_SSI_BASE
    movs r4, #0                  /* the rest may be written only while it is disabled */
    str r4, [r3, #SSI_SSIENR]
    movs r1, #CLOCK_DIVIDER
    str r1, [r3, #SSI_BAUDR]
    movs r1, #1                  /* at 66 MHz data come back a clock of the system late */
    movs r2, #SSI_RX_SAMPLE_DLY
    str r1, [r3, r2]
    ldr r0, =BYTES
    str r0, [r3, #SSI_CTRLR0]
    str r1, [r3, #SSI_SSIENR]

    movs r0, #READ_STATUS2
    bl exchange_two
    movs r1, #QUAD_ENABLED
    tst r0, r1
    bne 2f
    movs r2, r0
    orrs r2, r1
    movs r0, #WRITE_ENABLE
    str r0, [r3, #SSI_DR0]
    bl wait
    ldr r0, [r3, #SSI_DR0]
    movs r0, #WRITE_STATUS2
    movs r1, r2
    bl exchange
1:  movs r0, #READ_STATUS1
    bl exchange_two
    movs r1, #BUSY
    tst r0, r1
    bne 1b

    /* One read with an instruction, whose mode bits spare the others theirs. */
2:  str r4, [r3, #SSI_SSIENR]
    ldr r0, =WORDS_BY_FOUR
    str r0, [r3, #SSI_CTRLR0]
    str r4, [r3, #SSI_CTRLR1]    /* one frame a read */
    movs r2, #SSI_SPI_CTRLR0
    ldr r0, =FIRST_READ
    str r0, [r3, r2]
    movs r1, #1
    str r1, [r3, #SSI_SSIENR]
    movs r0, #READ
    str r0, [r3, #SSI_DR0]
    movs r0, #CONTINUOUS
    str r0, [r3, #SSI_DR0]
    bl wait
    str r4, [r3, #SSI_SSIENR]
    ldr r0, =READS
    str r0, [r3, r2]
    str r1, [r3, #SSI_SSIENR]

    /* The boot ROM calls with LR 0. A program that wrote to flash calls a copy, to read it again. */
    pop {r4}
    pop {r0}
    cmp r0, #0
    beq 3f
    bx r0
3:  ldr r0, =(XIP_BASE + 0x100)
    ldr r1, =VTOR
    str r0, [r1]
    ldm r0, {r0, r1}
    msr msp, r0
    bx r1

/* Send r0 and, `exchange_two` a zero, else r1; what came back with the second in r0. */
exchange_two:
    movs r1, #0
exchange:
    push {lr}
    str r0, [r3, #SSI_DR0]
    str r1, [r3, #SSI_DR0]
    bl wait
    ldr r0, [r3, #SSI_DR0]
    ldr r0, [r3, #SSI_DR0]
    pop {pc}

/* Until everything has been sent: SR.TFE, and not SR.BUSY. Changes r0. */
wait:
    ldr r0, [r3, #SSI_SR]
    lsls r0, r0, #29             /* N: TFE; r0 without it: BUSY */
    bpl wait
    lsls r0, r0, #2
    bne wait
    bx lr
    .pool
    .org 252, 0
    .word 0                      /* CRC-32 */
