/* Ending a program with an exit code. */
#ifndef EXIT_H
#define EXIT_H

/* Never returns; main's return does the same. */
void _exit(int status) __attribute__((noreturn));

#endif
