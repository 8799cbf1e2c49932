/* Never ends. */
#include "print.h"

int main(void)
{
    print("for ever\n");
    for (;;)
        ;
}
