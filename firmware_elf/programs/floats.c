/* Float and double arithmetic through the boot ROM's tables; prints the results' bits. */
#include <stdint.h>

#include "bootrom.h"
#include "print.h"

/* Entries of both tables (RP2040 datasheet 2.8.3.2). */
enum {
    FADD = 0x00, FSUB = 0x04, FMUL = 0x08, FDIV = 0x0c, FCMP = 0x54, FSQRT = 0x18,
    FLOAT2INT = 0x1c, FLOAT2FIX = 0x20, FLOAT2UINT = 0x24, INT2FLOAT = 0x2c, UINT2FLOAT = 0x34,
    FCOS = 0x3c, FSIN = 0x40, FTAN = 0x44, FEXP = 0x4c, FLN = 0x50, FATAN2 = 0x58,
    INT642FLOAT = 0x5c, FLOAT2INT64 = 0x6c, CONVERT = 0x7c /* float to double and back */
};

static const uint8_t *float_table, *double_table;

#define FLOAT(offset, result, ...) \
    (*(result(*const *)(__VA_ARGS__))(const void *)(float_table + (offset)))
#define DOUBLE(offset, result, ...) \
    (*(result(*const *)(__VA_ARGS__))(const void *)(double_table + (offset)))

static void show_float(const char *name, float value)
{
    union { float value; uint32_t bits; } cast = {value};
    print(name);
    print(" ");
    print_hex(cast.bits, 8);
    print("\n");
}

static void show_double(const char *name, double value)
{
    union { double value; uint64_t bits; } cast = {value};
    print(name);
    print(" ");
    print_hex(cast.bits, 16);
    print("\n");
}

static void show_integer(const char *name, int64_t value)
{
    print(name);
    print(" ");
    print_hex((uint64_t)value, 16);
    print("\n");
}

static void floats(void)
{
    const float a = 1.3f, b = -5.7f;
    show_float("fadd", FLOAT(FADD, float, float, float)(a, b));
    show_float("fsub", FLOAT(FSUB, float, float, float)(a, b));
    show_float("fmul", FLOAT(FMUL, float, float, float)(a, b));
    show_float("fdiv", FLOAT(FDIV, float, float, float)(a, b));
    show_integer("fcmp", FLOAT(FCMP, int, float, float)(a, b));
    show_float("fsqrt", FLOAT(FSQRT, float, float)(a));
    show_integer("float2int", FLOAT(FLOAT2INT, int, float)(b));
    show_integer("float2fix", FLOAT(FLOAT2FIX, int, float, int)(a, 16));
    show_integer("float2uint", FLOAT(FLOAT2UINT, uint32_t, float)(b));
    show_integer("float2int64", FLOAT(FLOAT2INT64, int64_t, float)(b * 1e10f));
    show_float("int2float", FLOAT(INT2FLOAT, float, int)(-16777219));
    show_float("uint2float", FLOAT(UINT2FLOAT, float, uint32_t)(4294967295u));
    show_float("int642float", FLOAT(INT642FLOAT, float, int64_t)(-1234567890123456789));
    show_double("float2double", FLOAT(CONVERT, double, float)(a));
    show_float("fcos", FLOAT(FCOS, float, float)(a));
    show_float("fsin", FLOAT(FSIN, float, float)(a));
    show_float("ftan", FLOAT(FTAN, float, float)(a));
    show_float("fexp", FLOAT(FEXP, float, float)(b));
    show_float("fln", FLOAT(FLN, float, float)(a));
    show_float("fatan2", FLOAT(FATAN2, float, float, float)(a, b));
}

static void doubles(void)
{
    const double a = 1.3, b = -5.7;
    show_double("dadd", DOUBLE(FADD, double, double, double)(a, b));
    show_double("dsub", DOUBLE(FSUB, double, double, double)(a, b));
    show_double("dmul", DOUBLE(FMUL, double, double, double)(a, b));
    show_double("ddiv", DOUBLE(FDIV, double, double, double)(a, b));
    show_integer("dcmp", DOUBLE(FCMP, int, double, double)(b, a));
    show_double("dsqrt", DOUBLE(FSQRT, double, double)(a));
    show_integer("double2int", DOUBLE(FLOAT2INT, int, double)(b));
    show_integer("double2int64", DOUBLE(FLOAT2INT64, int64_t, double)(b * 1e15));
    show_double("int2double", DOUBLE(INT2FLOAT, double, int)(-123456789));
    show_double("int642double", DOUBLE(INT642FLOAT, double, int64_t)(1234567890123456789));
    show_float("double2float", DOUBLE(CONVERT, float, double)(a));
    show_double("dcos", DOUBLE(FCOS, double, double)(a));
    show_double("dsin", DOUBLE(FSIN, double, double)(a));
    show_double("dtan", DOUBLE(FTAN, double, double)(a));
    show_double("dexp", DOUBLE(FEXP, double, double)(b));
    show_double("dln", DOUBLE(FLN, double, double)(a));
    show_double("datan2", DOUBLE(FATAN2, double, double, double)(a, b));
}

int main(void)
{
    float_table = rom_data_lookup(ROM_TABLE_CODE('S', 'F'));
    double_table = rom_data_lookup(ROM_TABLE_CODE('S', 'D'));
    if (!float_table || !double_table) {
        print("no tables\n");
        return 1;
    }
    floats();
    doubles();
    return 0;
}
