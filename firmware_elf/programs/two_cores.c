/* What two cores cost each other on the bus: core 0 does its work alone, then while core 1 does the
 * same on data of its own. Lists, matrices, tables and copies: most instructions touch memory.
 */
#include <stdint.h>

#include "m0plus.h"
#include "print.h"
#include "sio.h"

enum { ROUNDS = 8, NODES = 128, SIDE = 16, WORDS = 512 };

typedef struct node {
    struct node *next;
    uint32_t value;
} node_t;

/* One core's data, striped over the four banks like all of the first 256 KB. */
typedef struct {
    node_t nodes[NODES];
    int16_t left[SIDE][SIDE], right[SIDE][SIDE];
    int32_t product[SIDE][SIDE];
    uint32_t table[256], from[WORDS], to[WORDS];
    uint32_t state, sum;
} work_t;

static work_t works[2];
static uint32_t stack1[256] __attribute__((section(".scratch_x"), aligned(8)));

static uint32_t random_word(work_t *work)
{
    work->state = work->state * 1664525 + 1013904223;
    return work->state ^ work->state >> 16;
}

static void prepare(work_t *work)
{
    work->state = 1;
    for (uint32_t i = 0; i < NODES; i++) {
        work->nodes[i].next = &work->nodes[(i * 37 + 1) % NODES];
        work->nodes[i].value = random_word(work);
    }
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            work->left[i][j] = (int16_t)random_word(work);
            work->right[i][j] = (int16_t)random_word(work);
        }
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t crc = i;
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
        work->table[i] = crc;
    }
    for (uint32_t i = 0; i < WORDS; i++)
        work->from[i] = random_word(work);
}

static uint32_t walk(work_t *work)
{
    uint32_t sum = 0;
    const node_t *node = work->nodes;
    for (uint32_t i = 0; i < 4 * NODES; i++) {
        sum += node->value;
        node = node->next;
    }
    return sum;
}

static uint32_t multiply(work_t *work)
{
    uint32_t sum = 0;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            int32_t total = 0;
            for (int k = 0; k < SIDE; k++)
                total += work->left[i][k] * work->right[k][j];
            work->product[i][j] = total;
            sum += (uint32_t)total;
        }
    return sum;
}

static uint32_t checksum(const work_t *work)
{
    uint32_t crc = 0xffffffff;
    const uint8_t *bytes = (const uint8_t *)work->from;
    for (uint32_t i = 0; i < sizeof(work->from); i++)
        crc = crc >> 8 ^ work->table[(crc ^ bytes[i]) & 0xff];
    return crc;
}

static uint32_t copy(work_t *work)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < WORDS; i++)
        work->to[i] = work->from[i] + i;
    for (uint32_t i = 0; i < WORDS; i += 8)
        sum ^= work->to[i];
    return sum;
}

static void do_work(work_t *work)
{
    uint32_t sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        sum = sum * 31 + walk(work);
        sum = sum * 31 + multiply(work);
        sum = sum * 31 + checksum(work);
        sum = sum * 31 + copy(work);
    }
    work->sum = sum;
}

static void send(uint32_t word)
{
    while (!(sio_hw->fifo_st & SIO_FIFO_ST_RDY_BITS))
        ;
    sio_hw->fifo_wr = word;
    __asm__ volatile("sev");
}

static uint32_t receive(void)
{
    while (!(sio_hw->fifo_st & SIO_FIFO_ST_VLD_BITS))
        __asm__ volatile("wfe");
    return sio_hw->fifo_rd;
}

/* Without a break, so that core 0's own work, in the middle, is never done alone. */
static void core1(void)
{
    for (;;) {
        do_work(&works[1]);
        if (sio_hw->fifo_st & SIO_FIFO_ST_VLD_BITS)
            break;
    }
    send(works[1].sum);
    for (;;)
        __asm__ volatile("wfe");
}

/* RP2040 datasheet 2.8.2: core 1 has sent a 0 when it came out of reset, and may do so again. */
static void launch(void (*entry)(void))
{
    const uint32_t words[] = {0, 0, 1, scb_hw->vtor, (uint32_t)(stack1 + 256), (uint32_t)entry};
    for (uint32_t i = 0; i < 6;) {
        while (words[i] == 0 && sio_hw->fifo_st & SIO_FIFO_ST_VLD_BITS)
            (void)sio_hw->fifo_rd;
        send(words[i]);
        i = receive() == words[i] ? i + 1 : 0;
    }
}

static uint32_t measured(void)
{
    const uint32_t start = systick_hw->cvr;
    do_work(&works[0]);
    return (start - systick_hw->cvr) & M0PLUS_SYST_MAX;
}

int main(void)
{
    prepare(&works[0]);
    prepare(&works[1]);
    systick_start(M0PLUS_SYST_MAX, 0);
    measured(); /* from flash the first time is a slow one */
    const uint32_t alone = measured();
    launch(core1);
    measured();
    const uint32_t both = measured();
    send(0);
    const uint32_t sum = receive();
    print_value("alone", (int32_t)alone);
    print_value("both", (int32_t)both);
    if (works[0].sum != sum) {
        print("FAIL\n");
        return 1;
    }
    print("PASS\n");
    return 0;
}
