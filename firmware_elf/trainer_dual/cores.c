#include "cores.h"

/* The mailboxes between the cores (RP2040 datasheet, 2.3.1.4). */
#define FIFO_ST (*(volatile uint32_t *)0xD0000050u)
#define FIFO_WR (*(volatile uint32_t *)0xD0000054u)
#define FIFO_RD (*(volatile uint32_t *)0xD0000058u)
enum { FIFO_VLD = 1, FIFO_RDY = 2 };

extern uint32_t __VECTOR_TABLE, __StackOneTop;

/* The memory clobber keeps what a part reads and writes on its side of the mailbox. */
static void push(uint32_t word)
{
    while (!(FIFO_ST & FIFO_RDY))
        ;
    __asm__ volatile("" : : : "memory");
    FIFO_WR = word;
    __asm__ volatile("sev" : : : "memory");
}

static uint32_t pop(void)
{
    while (!(FIFO_ST & FIFO_VLD))
        __asm__ volatile("wfe");
    uint32_t word = FIFO_RD;
    __asm__ volatile("" : : : "memory");
    return word;
}

static void serve(void)
{
    for (;;) {
        struct part *part = (struct part *)pop();
        part->run(part);
        push(0);
    }
}

void launch_core1(void)
{
    const uint32_t greeting[] = {
        0, 0, 1, (uint32_t)&__VECTOR_TABLE, (uint32_t)&__StackOneTop, (uint32_t)serve,
    };
    const uint32_t *end = greeting + sizeof greeting / sizeof *greeting;
    for (const uint32_t *word = greeting; word != end;) {
        if (*word == 0) { /* core 1 may have left words behind, and may sleep */
            while (FIFO_ST & FIFO_VLD)
                (void)FIFO_RD;
            __asm__ volatile("sev");
        }
        push(*word);
        word = pop() == *word ? word + 1 : greeting;
    }
}

void run_parts(struct part parts[2])
{
    push((uint32_t)&parts[1]);
    parts[0].run(&parts[0]);
    pop();
}
