/* Numbers as text; nothing of the C library. */
#include "print.h"

#include "uart.h"

void print(const char *text)
{
    while (*text)
        uart_putc(*text++);
}

void print_decimal(int32_t value)
{
    char digits[10];
    unsigned count = 0;
    uint32_t rest = value < 0 ? -(uint32_t)value : (uint32_t)value;
    if (value < 0)
        uart_putc('-');
    do
        digits[count++] = (char)('0' + rest % 10);
    while (rest /= 10);
    while (count)
        uart_putc(digits[--count]);
}

void print_hex(uint64_t value, unsigned digits)
{
    while (digits--)
        uart_putc("0123456789abcdef"[value >> 4 * digits & 0xf]);
}

void print_value(const char *label, int32_t value)
{
    print(label);
    uart_putc(' ');
    print_decimal(value);
    uart_putc('\n');
}
