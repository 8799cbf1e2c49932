/* The end of a program: its exit code goes to the debug probe (or simulator) by semihosting. */
#include "exit.h"

#include <stdint.h>

#include "uart.h"

/* Arm, Semihosting for AArch32 and AArch64: operation and reason code. */
enum { SYS_EXIT_EXTENDED = 0x20, ADP_STOPPED_APPLICATION_EXIT = 0x20026 };

void _exit(int status)
{
    uart_tx_wait_blocking();
    const uint32_t block[2] = {ADP_STOPPED_APPLICATION_EXIT, (uint32_t)status};
    for (;;) {
        register uint32_t operation __asm__("r0") = SYS_EXIT_EXTENDED;
        register const uint32_t *parameters __asm__("r1") = block;
        __asm__ volatile("bkpt 0xab" : "+r"(operation) : "r"(parameters) : "memory");
    }
}
