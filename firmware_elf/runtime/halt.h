/* Halting for the host: a breakpoint that a debug probe or a simulator sees and can resume. */
#ifndef HALT_H
#define HALT_H

enum {
    HALT_READY = 0,      /* waiting for a command */
    HALT_CHECKPOINT = 1, /* between two operations; only while the host asks for it */
    HALT_EXIT = 2,       /* main returned */
    HALT_EXCEPTION = 255 /* an exception without a handler */
};

#define halt(code) __asm__ volatile("bkpt %0" : : "i"(code) : "memory")

#endif
