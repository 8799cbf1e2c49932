/* Sine, cosine, tangent, arctangent, exponential and logarithm in double precision, within 3 ulp; in
 * single precision by way of them, within 1 ulp.
 *
 * The arguments are reduced to a short interval around 0, where a polynomial, interpolated at the
 * Chebyshev nodes of that interval, is exact to the last bits. Coefficients: highest power first.
 */
#include "ieee754.h"

int32_t double2int(double value);
double int2double(int32_t value);
int double_order(double x, double y);

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static double polynomial(double z, const double *coefficients, unsigned count)
{
    double sum = *coefficients;
    while (--count)
        sum = sum * z + *++coefficients;
    return sum;
}

static double magnitude(double x)
{
    return double_of_bits(double_to_bits(x) & ~DOUBLE_SIGN);
}

static double with_sign_of(double magnitude, double x)
{
    return double_of_bits(double_to_bits(magnitude) | (double_to_bits(x) & DOUBLE_SIGN));
}

static double negated(double x)
{
    return double_of_bits(double_to_bits(x) ^ DOUBLE_SIGN);
}

/* x / unit, rounded to the nearest integer. */
static int32_t nearest(double x, double one_by_unit)
{
    return double2int(x * one_by_unit + 0.5);
}

static int is_nan(double x)
{
    return double_to_bits(x) << 1 > DOUBLE_INFINITY << 1;
}

static double not_a_number(void)
{
    return double_of_bits(DOUBLE_INFINITY | 1ull << 51);
}

/* Pi/2 in three parts: the first two have 33 bits, so that their multiples by up to 2^20 are exact. */
static const double PI_2_FIRST = 0x1.921fb544p+0, PI_2_SECOND = 0x1.0b4611a6p-34,
                    PI_2_THIRD = 0x1.3198a2e037073p-69, TWO_BY_PI = 0x1.45f306dc9c883p-1;

/* (sin(x) - x) / x^3 and (cos(x) - 1 + x^2/2) / x^4 by x^2, for |x| <= pi/4. */
static const double SINE[] = {
    -0x1.ab0f25d21fd92p-41, 0x1.6121703ee57b1p-33, -0x1.ae64540000f84p-26, 0x1.71de3a5455b9ap-19,
    -0x1.a01a01a0198dep-13, 0x1.1111111111110p-7,  -0x1.5555555555555p-3,
};
static const double COSINE[] = {
    0x1.ab70a23137c25p-45, -0x1.9394ace29bd7bp-37, 0x1.1eed8de33ebe0p-29, -0x1.27e4fb770e01dp-22,
    0x1.a01a01a019ce2p-16, -0x1.6c16c16c16c16p-10, 0x1.5555555555555p-5,
};

typedef struct {
    double sine, cosine;
} double_sincos_t;

typedef struct {
    float sine, cosine;
} float_sincos_t;

/* For |x| < 2^20, more than the datasheet's 1024; NaN beyond. */
double_sincos_t double_sincos(double x)
{
    double_sincos_t both;
    if (double_order(magnitude(x), 0x1p20) >= 0) {
        both.sine = both.cosine = not_a_number();
        return both;
    }
    const int32_t quadrant = nearest(x, TWO_BY_PI);
    const double k = int2double(quadrant);
    const double head = x - k * PI_2_FIRST, second = k * PI_2_SECOND;
    const double r = head - second;
    /* What the subtraction lost, and the third part. */
    const double tail = ((head - r) - second) - k * PI_2_THIRD;
    const double reduced = r + tail, lost = (r - reduced) + tail;
    const double z = reduced * reduced;
    const double half = 0.5 * z, one = 1 - half;
    double sine = reduced + (reduced * z * polynomial(z, SINE, COUNT(SINE)) + lost);
    double cosine = one + (((1 - one) - half) +
                           (z * z * polynomial(z, COSINE, COUNT(COSINE)) - reduced * lost));
    if (double_to_bits(x) << 1 == 0)
        sine = x; /* keeps -0 */
    if (quadrant & 1) {
        const double swapped = sine;
        sine = cosine;
        cosine = negated(swapped);
    }
    if (quadrant & 2) {
        sine = negated(sine);
        cosine = negated(cosine);
    }
    both.sine = sine;
    both.cosine = cosine;
    return both;
}

double rom_dsin(double x) { return double_sincos(x).sine; }
double rom_dcos(double x) { return double_sincos(x).cosine; }

double rom_dtan(double x)
{
    const double_sincos_t both = double_sincos(x);
    return both.sine / both.cosine;
}

static const double LN2_FIRST = 0x1.62e42feep-1, LN2_SECOND = 0x1.a39ef35793c76p-33,
                    ONE_BY_LN2 = 0x1.71547652b82fep+0;

/* (exp(x) - 1 - x) / x^2 for |x| <= ln(2)/2. */
static const double EXPONENTIAL[] = {
    0x1.af3ce42b12b24p-26, 0x1.2894f52583578p-22, 0x1.71de0be2b5e96p-19, 0x1.a019b621f9d08p-16,
    0x1.a01a01a83ba17p-13, 0x1.6c16c1794e1dcp-10, 0x1.1111111110918p-7,  0x1.5555555553b6cp-5,
    0x1.5555555555556p-3,  0x1.0000000000001p-1,
};

static double power_of_2(int32_t exponent)
{
    return double_of_bits((uint64_t)(exponent + 1023) << 52);
}

double rom_dexp(double x)
{
    if (is_nan(x))
        return x;
    if (double_order(magnitude(x), 0x1.75p+9) > 0) /* 746: even denormals end */
        return double_to_bits(x) & DOUBLE_SIGN ? 0 : double_of_bits(DOUBLE_INFINITY);
    const int32_t exponent = nearest(x, ONE_BY_LN2);
    const double k = int2double(exponent);
    const double head = x - k * LN2_FIRST, second = k * LN2_SECOND;
    const double r = head - second, lost = (head - r) - second;
    const double result = 1 + (r + (lost + r * r * polynomial(r, EXPONENTIAL, COUNT(EXPONENTIAL))));
    /* In two steps: the whole power may be no normal number. */
    return result * power_of_2(exponent >> 1) * power_of_2(exponent - (exponent >> 1));
}

/* (ln((1 + s) / (1 - s)) - 2s) / s^3 by s^2, for the s of sqrt(1/2) <= x <= sqrt(2). */
static const double LOGARITHM[] = {
    0x1.0c4d8297b1431p-3, 0x1.0fb77bcdefa76p-3, 0x1.3b1c79943fca2p-3, 0x1.745cf7c1d5dafp-3,
    0x1.c71c7204621fep-3, 0x1.249249247513dp-2, 0x1.9999999999a43p-2, 0x1.5555555555555p-1,
};

/* -infinity for x <= 0 (RP2040 datasheet 2.8.3.2.2). */
double rom_dln(double x)
{
    uint64_t bits = double_to_bits(x);
    int32_t exponent = 0;
    if (is_nan(x) || bits == DOUBLE_INFINITY)
        return x;
    if (bits << 1 == 0 || bits & DOUBLE_SIGN)
        return double_of_bits(DOUBLE_SIGN | DOUBLE_INFINITY);
    if (bits >> 52 == 0) { /* a denormal */
        bits = double_to_bits(x * 0x1p54);
        exponent = -54;
    }
    /* 0x95f62 keeps the mantissa between sqrt(1/2) and sqrt(2). */
    bits += 0x95f6200000000ull;
    exponent += (int32_t)(bits >> 52) - 1023;
    const uint64_t mantissa = bits & ((1ull << 52) - 1);
    const double m = double_of_bits((1023ull << 52) + mantissa - 0x95f6200000000ull);
    const double f = m - 1, s = f / (m + 1), z = s * s, k = int2double(exponent);
    const double bend = s * (f - z * polynomial(z, LOGARITHM, COUNT(LOGARITHM)));
    return k * LN2_FIRST + (f - (bend - k * LN2_SECOND));
}

/* (atan(x) - x) / x^3 by x^2, for |x| <= tan(pi/8). */
static const double ARCTANGENT[] = {
    0x1.0892945fca3d9p-6,  -0x1.1a2e2be9092a6p-5, 0x1.74779e7f3d684p-5,  -0x1.ac640ea43c20ep-5,
    0x1.e197010ee6326p-5,  -0x1.110e65a8e0d93p-4, 0x1.3b1390ed6392fp-4,  -0x1.745d164cd528bp-4,
    0x1.c71c71c2ac30cp-4,  -0x1.249249248d0a0p-3, 0x1.999999999994cp-3,  -0x1.5555555555555p-2,
};

static const double TAN_PI_8 = 0x1.a827999fcef32p-2, PI_4 = 0x1.921fb54442d18p-1,
                    PI_2 = 0x1.921fb54442d18p+0, PI_2_LOST = 0x1.1a62633145c07p-54;

/* The angle of the point (x, y), as IEEE 754 has it at zeros and infinities. */
double rom_datan2(double y, double x)
{
    if (is_nan(x) || is_nan(y))
        return not_a_number();
    double opposite = magnitude(y), adjacent = magnitude(x);
    const int steep = double_order(opposite, adjacent) > 0;
    if (steep) {
        const double swapped = opposite;
        opposite = adjacent;
        adjacent = swapped;
    }
    double t;
    if (double_to_bits(adjacent) == 0)
        t = 0;
    else if (double_to_bits(opposite) == DOUBLE_INFINITY)
        t = 1;
    else
        t = opposite / adjacent;
    const int turned = double_order(t, TAN_PI_8) > 0;
    if (turned)
        t = (t - 1) / (t + 1);
    const double z = t * t;
    double angle = t + t * z * polynomial(z, ARCTANGENT, COUNT(ARCTANGENT));
    if (turned)
        angle = PI_4 + (angle + PI_2_LOST / 2);
    if (steep)
        angle = PI_2 - (angle - PI_2_LOST);
    if (double_to_bits(x) & DOUBLE_SIGN)
        angle = 2 * PI_2 - (angle - 2 * PI_2_LOST);
    return with_sign_of(angle, y);
}

float_sincos_t float_sincos(float x)
{
    const double_sincos_t both = double_sincos(x);
    return (float_sincos_t){(float)both.sine, (float)both.cosine};
}

float rom_fcos(float x) { return (float)rom_dcos(x); }
float rom_ftan(float x) { return (float)rom_dtan(x); }
float rom_fexp(float x) { return (float)rom_dexp(x); }
float rom_fln(float x) { return (float)rom_dln(x); }
float rom_fatan2(float y, float x) { return (float)rom_datan2(y, x); }
