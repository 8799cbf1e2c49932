/* The first sign of life. */
#include "print.h"

int main(void)
{
    print("Hello from an RP2040\n");
    return 0;
}
