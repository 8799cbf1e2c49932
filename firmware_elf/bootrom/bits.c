/* Bit functions (RP2040 datasheet 2.8.3.1.1). */
#include <stdint.h>

uint32_t popcount32(uint32_t value)
{
    value -= value >> 1 & 0x55555555;
    value = (value & 0x33333333) + (value >> 2 & 0x33333333);
    value = (value + (value >> 4)) & 0x0f0f0f0f;
    return value * 0x01010101 >> 24;
}

uint32_t reverse32(uint32_t value)
{
    value = (value & 0x55555555) << 1 | (value >> 1 & 0x55555555);
    value = (value & 0x33333333) << 2 | (value >> 2 & 0x33333333);
    value = (value & 0x0f0f0f0f) << 4 | (value >> 4 & 0x0f0f0f0f);
    return __builtin_bswap32(value);
}

uint32_t clz32(uint32_t value)
{
    return value ? (uint32_t)__builtin_clz(value) : 32;
}

uint32_t ctz32(uint32_t value)
{
    return value ? 31 - (uint32_t)__builtin_clz(value & -value) : 32;
}
