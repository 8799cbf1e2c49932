/* Single precision beyond the four operations of libgcc. */
#include "ieee754.h"

enum { MANTISSA = 23, BIAS = 127, ROOT_BITS = 25 };

int float_order(float x, float y)
{
    int32_t a = (int32_t)float_to_bits(x), b = (int32_t)float_to_bits(y);
    if ((uint32_t)(a | b) << 1 == 0)
        return 0; /* -0 equals +0 */
    a ^= (int32_t)((uint32_t)(a >> 31) >> 1); /* from sign and magnitude to two's complement */
    b ^= (int32_t)((uint32_t)(b >> 31) >> 1);
    return (a > b) - (a < b);
}

/* Correctly rounded; -infinity for negative arguments (RP2040 datasheet 2.8.3.2.2). */
float rom_fsqrt(float x)
{
    uint32_t bits = float_to_bits(x);
    if (bits << 1 == 0 || (bits << 1 > FLOAT_INFINITY << 1) || bits == FLOAT_INFINITY)
        return x;
    if (bits & FLOAT_SIGN)
        return float_of_bits(FLOAT_SIGN | FLOAT_INFINITY);
    int32_t exponent = (int32_t)(bits >> MANTISSA);
    uint32_t mantissa = bits & ((1 << MANTISSA) - 1);
    if (exponent) {
        mantissa |= 1 << MANTISSA;
    } else {
        const int shift = __builtin_clz(mantissa) - (31 - MANTISSA);
        mantissa <<= shift;
        exponent = 1 - shift;
    }
    exponent -= BIAS;
    mantissa <<= 8 - 1 + (exponent & 1); /* 31 or 32 bits: an even power of two behind them */
    uint32_t root = 0, rest = 0;
    for (int i = 0; i < ROOT_BITS; i++) { /* digit by digit, one bit more than needed */
        rest = rest << 2 | mantissa >> 30;
        mantissa <<= 2;
        const uint32_t trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    return float_of_bits(((uint32_t)((exponent >> 1) + BIAS - 1) << MANTISSA) + ((root + 1) >> 1));
}
