/* Double precision beyond the four operations of libgcc. */
#include "ieee754.h"

enum { MANTISSA = 52, BIAS = 1023, ROOT_BITS = 54 };

int double_order(double x, double y)
{
    int64_t a = (int64_t)double_to_bits(x), b = (int64_t)double_to_bits(y);
    if ((uint64_t)(a | b) << 1 == 0)
        return 0; /* -0 equals +0 */
    a ^= (int64_t)((uint64_t)(a >> 63) >> 1); /* from sign and magnitude to two's complement */
    b ^= (int64_t)((uint64_t)(b >> 63) >> 1);
    return (a > b) - (a < b);
}

/* Correctly rounded; -infinity for negative arguments (RP2040 datasheet 2.8.3.2.2). */
double rom_dsqrt(double x)
{
    uint64_t bits = double_to_bits(x);
    if (bits << 1 == 0 || (bits << 1 > DOUBLE_INFINITY << 1) || bits == DOUBLE_INFINITY)
        return x;
    if (bits & DOUBLE_SIGN)
        return double_of_bits(DOUBLE_SIGN | DOUBLE_INFINITY);
    int32_t exponent = (int32_t)(bits >> MANTISSA);
    uint64_t mantissa = bits & ((1ull << MANTISSA) - 1);
    if (exponent) {
        mantissa |= 1ull << MANTISSA;
    } else {
        for (exponent = 1; !(mantissa >> MANTISSA); exponent--)
            mantissa <<= 1;
    }
    exponent -= BIAS;
    mantissa <<= 63 - MANTISSA - 1 + (exponent & 1); /* an even power of two behind 63 or 64 bits */
    uint64_t root = 0, rest = 0;
    for (int i = 0; i < ROOT_BITS; i++) { /* digit by digit, one bit more than needed */
        rest = rest << 2 | mantissa >> 62;
        mantissa <<= 2;
        const uint64_t trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    return double_of_bits(((uint64_t)((exponent >> 1) + BIAS - 1) << MANTISSA) + ((root + 1) >> 1));
}
