/* The mailbox: how host and firmware talk.
 *
 * The host fills in the upper half while the firmware stands at HALT_READY, and resumes it; the
 * firmware answers in the lower half and halts again.
 */
#ifndef MAILBOX_H
#define MAILBOX_H

#include <stdint.h>

#include "image.h"

enum command { PREDICT = 1, TRAIN = 2 };
enum status { OK = 0, NOT_AN_IMAGE = 1, UNKNOWN_COMMAND = 2, UNKNOWN_LAYER = 3, UNSUPPORTED = 4 };
enum phase { FORWARD = 0, BACKWARD = 1, UPDATE = 2 };

struct mailbox {
    /* from the host */
    struct image *image;
    uint32_t command;
    int32_t label;
    uint32_t checkpoints; /* not 0: halt after every operation */
    /* from the firmware */
    uint32_t status;
    int32_t prediction;     /* class of the largest logit, the first of equals */
    int32_t logit_exponent;
    uint32_t phase;         /* at a checkpoint: the operation that just ended */
    int32_t layer;          /* layer_count stands for the loss */
};

extern struct mailbox mailbox;

#endif
