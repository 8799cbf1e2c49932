/* UART0 on GPIO 0 and 1 (RP2040 datasheet 4.2; Arm PL011). */
#ifndef UART_H
#define UART_H

/* 8 data bits, no parity, one stop bit. */
void uart_init(unsigned baudrate);

void uart_putc(char character);

/* Until the last stop bit is out. */
void uart_tx_wait_blocking(void);

#endif
