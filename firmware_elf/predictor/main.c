/* The predictor: the trainer's forward operations alone, for a network that has been trained. It waits
 * for images in the mailbox and walks the layers.
 */
#include "halt.h"
#include "mailbox.h"
#include "masked.h"
#include "operations.h"
#include "ternary.h"

struct mailbox mailbox;

/* The class of the largest logit, the first of equals. */
static int32_t largest_logit(const struct image *image)
{
    const struct layer *last = &image->layers[image->layer_count - 1];
    const int8_t *logits = at(image, last->outputs);
    int32_t best = 0;
    for (int32_t c = 1; c < last->out.channels; c++)
        if (logits[c] > logits[best])
            best = c;
    return best;
}

#define FORWARD_WITHOUT_WEIGHTS(KIND, name) \
    case KIND: \
        name##_forward(image, layer); \
        return 0;

/* Run one layer; returns what it adds to the exponent. */
static int32_t forward(const struct image *image, const struct layer *layer)
{
    switch (layer->kind) {
        OPERATIONS_WITHOUT_WEIGHTS(FORWARD_WITHOUT_WEIGHTS)
    case TERNARY_CONV2D:
    case TERNARY_DENSE:
        return layer->exponent + ternary_forward(image, layer);
    }
    if (image->flags & PACKED_MASK)
        return layer->exponent + masked_forward(image, layer);
    if (layer->kind == CONV2D)
        return layer->exponent + conv2d_forward(image, layer);
    return layer->exponent + dense_forward(image, layer);
}

static void predict(const struct image *image)
{
    mailbox.phase = FORWARD;
    mailbox.logit_exponent = image->input_exponent;
    for (int32_t i = 0; i < image->layer_count; i++) {
        mailbox.logit_exponent += forward(image, &image->layers[i]);
        mailbox.layer = i;
        if (mailbox.checkpoints)
            halt(HALT_CHECKPOINT);
    }
    mailbox.prediction = largest_logit(image);
}

static enum status check(const struct image *image)
{
    if (image->magic != IMAGE_MAGIC || image->version != IMAGE_VERSION)
        return NOT_AN_IMAGE;
    if ((image->flags & PACKED_MASK) && (image->flags & (DYNAMIC | TRAINS_SCORES)))
        return UNSUPPORTED;
    for (int32_t i = 0; i < image->layer_count; i++)
        if (image->layers[i].kind < 1 || image->layers[i].kind > LAST_KIND)
            return UNKNOWN_LAYER;
    return mailbox.command == PREDICT ? OK : UNKNOWN_COMMAND;
}

int main(void)
{
    for (;;) {
        halt(HALT_READY);
        mailbox.status = check(mailbox.image);
        if (mailbox.status == OK)
            predict(mailbox.image);
    }
}
