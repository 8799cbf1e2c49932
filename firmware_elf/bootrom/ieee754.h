/* Floating point as bits. */
#ifndef IEEE754_H
#define IEEE754_H

#include <stdint.h>

typedef union {
    float value;
    uint32_t bits;
} float_bits_t;

typedef union {
    double value;
    uint64_t bits;
} double_bits_t;

#define FLOAT_INFINITY 0x7f800000u
#define DOUBLE_INFINITY 0x7ff0000000000000u
#define FLOAT_SIGN (1u << 31)
#define DOUBLE_SIGN (1ull << 63)

static inline uint32_t float_to_bits(float value) { return (float_bits_t){value}.bits; }
static inline float float_of_bits(uint32_t bits) { return (float_bits_t){.bits = bits}.value; }
static inline uint64_t double_to_bits(double value) { return (double_bits_t){value}.bits; }
static inline double double_of_bits(uint64_t bits) { return (double_bits_t){.bits = bits}.value; }

#endif
