/* A word that the host may set before the run: no start-up code touches it in any link type. */
#ifndef MODE_H
#define MODE_H

#include <stdint.h>

#define MODE_VARIABLE \
    __attribute__((section(".flashdata.mode"), used)) volatile const uint32_t mode = 0

#endif
