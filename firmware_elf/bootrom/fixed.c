/* Conversions between floating point and integers or fixed point with n bits behind the point
 * (RP2040 datasheet 2.8.3.2.2). To integers: rounded towards -infinity and clamped; a NaN counts as a
 * number beyond infinity. From integers: rounded to nearest, ties to even.
 */
#include <stdbool.h>

#include "ieee754.h"

enum { DOUBLE_MANTISSA = 52, DOUBLE_BIAS = 1023, FLOAT_MANTISSA = 23, FLOAT_BIAS = 127 };

static uint64_t to_fixed(double value, int n, bool is_signed)
{
    const uint64_t bits = double_to_bits(value);
    const bool negative = bits >> 63;
    const int exponent = (int)(bits >> DOUBLE_MANTISSA & 0x7ff);
    uint64_t magnitude = bits & ((1ull << DOUBLE_MANTISSA) - 1);
    if (exponent)
        magnitude |= 1ull << DOUBLE_MANTISSA;
    if (magnitude == 0 || (negative && !is_signed))
        return 0;
    const int shift = (exponent ? exponent : 1) - DOUBLE_BIAS - DOUBLE_MANTISSA + n;
    const uint64_t most = is_signed ? INT64_MAX : UINT64_MAX;
    if (exponent == 0x7ff || shift > 63 - DOUBLE_MANTISSA - is_signed)
        return negative ? ~most : most;
    if (shift >= 0) {
        magnitude <<= shift;
    } else {
        const uint64_t whole = shift > -64 ? magnitude >> -shift : 0;
        const bool inexact = shift > -64 ? whole << -shift != magnitude : true;
        magnitude = whole + (negative && inexact);
    }
    return negative ? -magnitude : magnitude;
}

static int32_t to_fixed_s32(double value, int n)
{
    const int64_t fixed = (int64_t)to_fixed(value, n, true);
    return fixed > INT32_MAX ? INT32_MAX : fixed < INT32_MIN ? INT32_MIN : (int32_t)fixed;
}

static uint32_t to_fixed_u32(double value, int n)
{
    const uint64_t fixed = to_fixed(value, n, false);
    return fixed > UINT32_MAX ? UINT32_MAX : (uint32_t)fixed;
}

int32_t double2int(double value) { return to_fixed_s32(value, 0); }
int32_t double2fix(double value, int n) { return to_fixed_s32(value, n); }
uint32_t double2uint(double value) { return to_fixed_u32(value, 0); }
uint32_t double2ufix(double value, int n) { return to_fixed_u32(value, n); }
uint64_t double2int64(double value) { return to_fixed(value, 0, true); }
uint64_t double2fix64(double value, int n) { return to_fixed(value, n, true); }
uint64_t double2uint64(double value) { return to_fixed(value, 0, false); }
uint64_t double2ufix64(double value, int n) { return to_fixed(value, n, false); }

int32_t float2int(float value) { return to_fixed_s32(value, 0); }
int32_t float2fix(float value, int n) { return to_fixed_s32(value, n); }
uint32_t float2uint(float value) { return to_fixed_u32(value, 0); }
uint32_t float2ufix(float value, int n) { return to_fixed_u32(value, n); }
uint64_t float2int64(float value) { return to_fixed(value, 0, true); }
uint64_t float2fix64(float value, int n) { return to_fixed(value, n, true); }
uint64_t float2uint64(float value) { return to_fixed(value, 0, false); }
uint64_t float2ufix64(float value, int n) { return to_fixed(value, n, false); }

/* The bits of magnitude / 2^n in a format of `mantissa` bits and `bias`, without a sign. */
static uint64_t from_fixed(uint64_t magnitude, int n, int mantissa, int bias)
{
    if (magnitude == 0)
        return 0;
    const int leading = __builtin_clzll(magnitude);
    magnitude <<= leading;
    int exponent = 63 - leading - n + bias;
    int dropped = 63 - mantissa;
    if (exponent < 1) { /* a denormal */
        dropped += 1 - exponent;
        exponent = 1;
    }
    if (dropped > 64)
        return 0;
    const uint64_t kept = dropped < 64 ? magnitude >> dropped : 0;
    const uint64_t rest = magnitude << (64 - dropped);
    const bool up = rest > 1ull << 63 || (rest == 1ull << 63 && (kept & 1));
    /* The leading bit, or a carry into it, counts the exponent up. */
    const uint64_t infinity = (uint64_t)(2 * bias + 1) << mantissa;
    if (exponent > 2 * bias)
        return infinity;
    return ((uint64_t)(exponent - 1) << mantissa) + kept + up;
}

static double to_double(uint64_t magnitude, bool negative, int n)
{
    const uint64_t sign = negative ? DOUBLE_SIGN : 0;
    return double_of_bits(from_fixed(magnitude, n, DOUBLE_MANTISSA, DOUBLE_BIAS) | sign);
}

static float to_float(uint64_t magnitude, bool negative, int n)
{
    const uint32_t sign = negative ? FLOAT_SIGN : 0;
    return float_of_bits((uint32_t)from_fixed(magnitude, n, FLOAT_MANTISSA, FLOAT_BIAS) | sign);
}

static double signed_to_double(int64_t value, int n)
{
    return to_double(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, n);
}

static float signed_to_float(int64_t value, int n)
{
    return to_float(value < 0 ? -(uint64_t)value : (uint64_t)value, value < 0, n);
}

double int2double(int32_t value) { return signed_to_double(value, 0); }
double fix2double(int32_t value, int n) { return signed_to_double(value, n); }
double uint2double(uint32_t value) { return to_double(value, false, 0); }
double ufix2double(uint32_t value, int n) { return to_double(value, false, n); }
double int642double(int64_t value) { return signed_to_double(value, 0); }
double fix642double(int64_t value, int n) { return signed_to_double(value, n); }
double uint642double(uint64_t value) { return to_double(value, false, 0); }
double ufix642double(uint64_t value, int n) { return to_double(value, false, n); }

float int2float(int32_t value) { return signed_to_float(value, 0); }
float fix2float(int32_t value, int n) { return signed_to_float(value, n); }
float uint2float(uint32_t value) { return to_float(value, false, 0); }
float ufix2float(uint32_t value, int n) { return to_float(value, false, n); }
float int642float(int64_t value) { return signed_to_float(value, 0); }
float fix642float(int64_t value, int n) { return signed_to_float(value, n); }
float uint642float(uint64_t value) { return to_float(value, false, 0); }
float ufix642float(uint64_t value, int n) { return to_float(value, false, n); }
