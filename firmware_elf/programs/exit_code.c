/* Ends with an exit code: by main's return, or in the middle by choice of `mode`. */
#include "exit.h"
#include "mode.h"

enum { MODE_RETURN, MODE_EXIT };

MODE_VARIABLE;

int main(void)
{
    if (mode == MODE_EXIT)
        _exit(4);
    return 3;
}
