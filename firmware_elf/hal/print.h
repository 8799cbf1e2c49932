/* Text over UART0. */
#ifndef PRINT_H
#define PRINT_H

#include <stdint.h>

void print(const char *text);
void print_decimal(int32_t value);

/* The lowest `digits` digits of `value`. */
void print_hex(uint64_t value, unsigned digits);

/* `label`, a space, the value in decimal and the end of the line. */
void print_value(const char *label, int32_t value);

#endif
