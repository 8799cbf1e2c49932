/* Single precision beyond libgcc's addition and multiplication. */
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

/* Both in r0 and r1, as a 64-bit result lies (divide.S). */
uint64_t __aeabi_uidivmod(uint32_t dividend, uint32_t divisor);

typedef struct {
    uint32_t mantissa; /* with its leading bit at MANTISSA */
    int32_t exponent;  /* biased; below 1 for denormals */
} parts_t;

/* Of a number that is neither zero nor infinite. */
static parts_t parts_of(uint32_t magnitude)
{
    parts_t parts = {magnitude & ((1 << MANTISSA) - 1), (int32_t)(magnitude >> MANTISSA)};
    if (parts.exponent) {
        parts.mantissa |= 1 << MANTISSA;
    } else {
        const int shift = __builtin_clz(parts.mantissa) - (31 - MANTISSA);
        parts.mantissa <<= shift;
        parts.exponent = 1 - shift;
    }
    return parts;
}

/* The bits of a positive number, correctly rounded: `quotient` has one bit more than the mantissa. */
static uint32_t rounded(int32_t exponent, uint32_t quotient, int inexact)
{
    if (exponent > 2 * BIAS)
        return FLOAT_INFINITY;
    if (exponent < 1) { /* a denormal */
        const int32_t shift = 1 - exponent;
        if (shift > MANTISSA + 2)
            return 0;
        inexact |= (quotient & ((1u << shift) - 1)) != 0;
        quotient >>= shift;
        exponent = 1;
    }
    const uint32_t kept = quotient >> 1;
    const uint32_t up = quotient & 1 & ((uint32_t)inexact | kept);
    return ((uint32_t)(exponent - 1) << MANTISSA) + kept + up;
}

/* Correctly rounded. */
float rom_fdiv(float x, float y)
{
    const uint32_t sign = (float_to_bits(x) ^ float_to_bits(y)) & FLOAT_SIGN;
    const uint32_t a = float_to_bits(x) & ~FLOAT_SIGN, b = float_to_bits(y) & ~FLOAT_SIGN;
    if (a > FLOAT_INFINITY || b > FLOAT_INFINITY || (a == b && (a == 0 || a == FLOAT_INFINITY)))
        return float_of_bits(FLOAT_INFINITY | 1 << (MANTISSA - 1));
    if (a == FLOAT_INFINITY || b == 0)
        return float_of_bits(sign | FLOAT_INFINITY);
    if (a == 0 || b == FLOAT_INFINITY)
        return float_of_bits(sign);
    parts_t dividend = parts_of(a);
    const parts_t divisor = parts_of(b);
    int32_t exponent = dividend.exponent - divisor.exponent + BIAS;
    if (dividend.mantissa < divisor.mantissa) {
        dividend.mantissa <<= 1;
        exponent--;
    }
    uint32_t quotient = 1, rest = dividend.mantissa - divisor.mantissa;
    for (int digit = 0; digit < 3; digit++) { /* of 8 bits: the rest has 24 */
        const uint64_t both = __aeabi_uidivmod(rest << 8, divisor.mantissa);
        quotient = quotient << 8 | (uint32_t)both;
        rest = (uint32_t)(both >> 32);
    }
    return float_of_bits(sign | rounded(exponent, quotient, rest != 0));
}

/* Correctly rounded; -infinity for negative arguments (RP2040 datasheet 2.8.3.2.2). */
float rom_fsqrt(float x)
{
    uint32_t bits = float_to_bits(x);
    if (bits << 1 == 0 || (bits << 1 > FLOAT_INFINITY << 1) || bits == FLOAT_INFINITY)
        return x;
    if (bits & FLOAT_SIGN)
        return float_of_bits(FLOAT_SIGN | FLOAT_INFINITY);
    const parts_t parts = parts_of(bits);
    const int32_t exponent = parts.exponent - BIAS;
    /* 31 or 32 bits: an even power of two behind them */
    uint32_t mantissa = parts.mantissa << (8 - 1 + (exponent & 1));
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
