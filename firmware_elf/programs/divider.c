/* The hardware divider against division by shifting and subtracting. */
#include "print.h"
#include "sio.h"

enum { PAIRS = 500 };

static divmod_result_t software_divmod(uint32_t dividend, uint32_t divisor)
{
    divmod_result_t result = {0, 0};
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carry = result.remainder >> 31;
        result.remainder = result.remainder << 1 | (dividend >> bit & 1);
        if (carry || result.remainder >= divisor) {
            result.remainder -= divisor;
            result.quotient |= 1u << bit;
        }
    }
    return result;
}

/* C's rule: the quotient towards zero, the remainder with the dividend's sign. */
static divmod_result_t software_divmod_signed(int32_t dividend, int32_t divisor)
{
    const uint32_t sign = dividend < 0, other = divisor < 0;
    divmod_result_t result = software_divmod(sign ? -(uint32_t)dividend : (uint32_t)dividend,
                                             other ? -(uint32_t)divisor : (uint32_t)divisor);
    if (sign != other)
        result.quotient = -result.quotient;
    if (sign)
        result.remainder = -result.remainder;
    return result;
}

static int same(divmod_result_t a, divmod_result_t b)
{
    return a.quotient == b.quotient && a.remainder == b.remainder;
}

static uint32_t random_word(void)
{
    static uint32_t state = 1;
    state = state * 1664525 + 1013904223;
    return state ^ state >> 16;
}

int main(void)
{
    int different = 0;
    uint32_t sum = 0;
    for (int pair = 0; pair < PAIRS; pair++) {
        const uint32_t a = random_word() >> (random_word() & 31);
        const uint32_t b = (random_word() >> (random_word() & 31)) | 1;
        const divmod_result_t quotient = hw_divider_divmod_u32(a, b);
        sum = sum * 31 + quotient.quotient + quotient.remainder;
        different += !same(quotient, software_divmod(a, b));
        different += !same(hw_divider_divmod_s32((int32_t)a, (int32_t)b),
                           software_divmod_signed((int32_t)a, (int32_t)b));
        different += !same(hw_divider_divmod_s32(-(int32_t)a, (int32_t)b),
                           software_divmod_signed(-(int32_t)a, (int32_t)b));
    }
    const divmod_result_t by_zero = hw_divider_divmod_u32(1234, 0);
    different += !(by_zero.quotient == 0xffffffff && by_zero.remainder == 1234);
    different += (sio_hw->div_csr & SIO_DIV_CSR_DIRTY_BITS) != 0;
    print("sum ");
    print_hex(sum, 8);
    print("\n");
    print_value("different", different);
    print(different ? "FAIL\n" : "PASS\n");
    return different != 0;
}
