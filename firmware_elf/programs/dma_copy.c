/* What a DMA that copies costs a core on the bus: the core computes alone, then while a channel
 * copies 64 KB, then again with the DMA's accesses ahead of the core's.
 */
#include <stdint.h>

#include "busctrl.h"
#include "dma.h"
#include "m0plus.h"
#include "print.h"

enum { WORDS = 16 * 1024, TABLE = 256, ROUNDS = 3 };

static uint32_t from[WORDS], to[WORDS];
static uint32_t table[TABLE];

static void prepare(void)
{
    for (uint32_t i = 0; i < TABLE; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        table[i] = crc;
    }
    for (uint32_t i = 0; i < WORDS; i++)
        from[i] = i * 2654435761u;
}

/* A checksum by table over what does not change: two loads each time round. */
static __attribute__((noinline)) uint32_t compute(void)
{
    uint32_t crc = 0xffffffff;
    for (int round = 0; round < ROUNDS; round++)
        for (uint32_t i = 0; i < TABLE; i++)
            crc = crc >> 8 ^ table[(crc ^ table[i]) & 0xff];
    return crc;
}

/* What the compiler might move, since it touches nothing volatile, stays on its side. */
static uint32_t now(void)
{
    __asm__ volatile("" ::: "memory");
    const uint32_t count = systick_hw->cvr;
    __asm__ volatile("" ::: "memory");
    return count;
}

static uint32_t since(uint32_t start) { return (start - now()) & M0PLUS_SYST_MAX; }

static uint32_t measured(uint32_t *sum)
{
    const uint32_t start = now();
    *sum = compute();
    return since(start);
}

static void copy(uint32_t words)
{
    dma_channel_hw_t *channel = &dma_hw->ch[0];
    channel->read_addr = (uint32_t)from;
    channel->write_addr = (uint32_t)to;
    channel->transfer_count = words;
    channel->ctrl_trig = DMA_CTRL_EN_BITS | DMA_CTRL_SIZE_WORD_BITS | DMA_CTRL_INCR_READ_BITS |
                         DMA_CTRL_INCR_WRITE_BITS | DMA_CTRL_CHAIN_TO(0) |
                         DMA_CTRL_TREQ_UNPACED_BITS;
}

/* How long a copy takes while the core only waits for it. */
static __attribute__((noinline)) uint32_t copy_alone(uint32_t words)
{
    const uint32_t start = now();
    copy(words);
    while (dma_hw->ch[0].ctrl_trig & DMA_CTRL_BUSY_BITS)
        ;
    return since(start);
}

/* The core's time while the copy goes on, which must last longer. */
static __attribute__((noinline)) uint32_t beside_copy(uint32_t *sum, int *fits)
{
    copy(WORDS);
    const uint32_t cycles = measured(sum);
    *fits = (dma_hw->ch[0].ctrl_trig & DMA_CTRL_BUSY_BITS) != 0;
    while (dma_hw->ch[0].ctrl_trig & DMA_CTRL_BUSY_BITS)
        ;
    return cycles;
}

int main(void)
{
    uint32_t sum, sum_beside, sum_behind;
    int fits, fits_behind;
    prepare();
    systick_start(M0PLUS_SYST_MAX, 0);
    measured(&sum); /* what runs from flash is then in its cache */
    const uint32_t alone = measured(&sum);
    copy_alone(1);
    const uint32_t copying = copy_alone(WORDS);
    const uint32_t beside = beside_copy(&sum_beside, &fits);
    busctrl_hw->priority = BUSCTRL_PRIORITY_DMA_R_BITS | BUSCTRL_PRIORITY_DMA_W_BITS;
    while (!busctrl_hw->priority_ack)
        ;
    const uint32_t behind = beside_copy(&sum_behind, &fits_behind);
    print_value("copy", (int32_t)copying);
    print_value("alone", (int32_t)alone);
    print_value("beside", (int32_t)beside);
    print_value("behind", (int32_t)behind);
    int right = sum == sum_beside && sum == sum_behind && fits && fits_behind;
    for (uint32_t i = 0; i < WORDS; i++)
        right &= to[i] == from[i];
    print(right ? "PASS\n" : "FAIL\n");
    return !right;
}
