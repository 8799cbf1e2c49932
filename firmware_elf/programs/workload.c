/* Work without waiting, for benchmarks: a matrix product, a sieve, a sort and a checksum. */
#include <stdint.h>

#include "print.h"

enum { ROUNDS = 40, SIDE = 32, PRIMES = 4096, ITEMS = 1024 };

static int8_t left[SIDE][SIDE], right[SIDE][SIDE];
static int32_t product[SIDE][SIDE];
static uint8_t composite[PRIMES];
static uint16_t items[ITEMS];
static uint32_t state = 1;

static uint32_t random_word(void)
{
    state = state * 1664525 + 1013904223;
    return state ^ state >> 16;
}

static uint32_t multiply(void)
{
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            left[i][j] = (int8_t)random_word();
            right[i][j] = (int8_t)random_word();
        }
    uint32_t sum = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t total = 0;
            for (int k = 0; k < SIDE; k++)
                total += left[i][k] * right[j][k];
            product[i][j] = total;
            sum += (uint32_t)total;
        }
    return sum;
}

static uint32_t sieve(void)
{
    uint32_t count = 0;
    for (uint32_t n = 0; n < PRIMES; n++)
        composite[n] = 0;
    for (uint32_t n = 2; n < PRIMES; n++) {
        if (composite[n])
            continue;
        count++;
        for (uint32_t multiple = n * n; multiple < PRIMES; multiple += n)
            composite[multiple] = 1;
    }
    return count;
}

static void sort(uint16_t *first, uint16_t *last)
{
    if (first >= last)
        return;
    const uint16_t pivot = first[(last - first) / 2];
    uint16_t *low = first, *high = last;
    while (low <= high) {
        while (*low < pivot)
            low++;
        while (*high > pivot)
            high--;
        if (low <= high) {
            const uint16_t swapped = *low;
            *low++ = *high;
            *high-- = swapped;
        }
    }
    sort(first, high);
    sort(low, last);
}

static uint32_t checksum(uint32_t crc, const void *data, uint32_t count)
{
    for (const uint8_t *byte = data; count--; byte++) {
        crc ^= *byte;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
    }
    return crc;
}

int main(void)
{
    uint32_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        sum = sum * 31 + multiply();
        sum = sum * 31 + sieve();
        for (int i = 0; i < ITEMS; i++)
            items[i] = (uint16_t)random_word();
        sort(items, items + ITEMS - 1);
        sum = checksum(sum, items, sizeof(items));
    }
    print("sum ");
    print_hex(sum, 8);
    print("\n");
    return 0;
}
