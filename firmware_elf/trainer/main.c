/* The trainer: waits for commands in the mailbox and walks the image's layers. */
#include <stdbool.h>

#include "halt.h"
#include "mailbox.h"
#include "operations.h"
#include "ternary.h"

struct mailbox mailbox;

static void checkpoint(enum phase phase, int32_t layer)
{
    mailbox.phase = phase;
    mailbox.layer = layer;
    if (mailbox.checkpoints)
        halt(HALT_CHECKPOINT);
}

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

#define FORWARD_WITH_WEIGHTS(KIND, name) \
    case KIND: \
        exponent += layer->exponent + name##_forward(image, layer); \
        break;
#define FORWARD_WITHOUT_WEIGHTS(KIND, name) \
    case KIND: \
        name##_forward(image, layer); \
        break;

static void forward(const struct image *image)
{
    int32_t exponent = image->input_exponent;
    for (int32_t i = 0; i < image->layer_count; i++) {
        const struct layer *layer = &image->layers[i];
        switch (layer->kind) {
            OPERATIONS_WITH_WEIGHTS(FORWARD_WITH_WEIGHTS)
            OPERATIONS_WITHOUT_WEIGHTS(FORWARD_WITHOUT_WEIGHTS)
        default:
            exponent += layer->exponent + ternary_forward(image, layer);
            break;
        }
        checkpoint(FORWARD, i);
    }
    mailbox.logit_exponent = exponent;
    mailbox.prediction = largest_logit(image);
}

#define BACKWARD_WITH_WEIGHTS(KIND, name) \
    case KIND: \
        if (wanted) \
            name##_backward(image, layer); \
        checkpoint(BACKWARD, i); \
        name##_update(image, layer); \
        checkpoint(UPDATE, i); \
        break;
#define BACKWARD_WITHOUT_WEIGHTS(KIND, name) \
    case KIND: \
        name##_backward(image, layer); \
        checkpoint(BACKWARD, i); \
        break;

static void backward(const struct image *image)
{
    int32_t last = image->layer_count - 1;
    loss_gradient(image, &image->layers[last], mailbox.logit_exponent, mailbox.label);
    checkpoint(BACKWARD, image->layer_count);
    for (int32_t i = last; i >= image->first_trained; i--) {
        const struct layer *layer = &image->layers[i];
        bool wanted = i > image->first_trained;
        switch (layer->kind) {
            OPERATIONS_WITH_WEIGHTS(BACKWARD_WITH_WEIGHTS)
            OPERATIONS_WITHOUT_WEIGHTS(BACKWARD_WITHOUT_WEIGHTS)
        default:
            if (wanted)
                ternary_backward(image, layer);
            checkpoint(BACKWARD, i);
            ternary_update(image, layer);
            checkpoint(UPDATE, i);
            break;
        }
    }
}

static enum status check(const struct image *image)
{
    if (image->magic != IMAGE_MAGIC || image->version != IMAGE_VERSION)
        return NOT_AN_IMAGE;
    if ((image->flags & DYNAMIC) && (image->flags & TRAINS_SCORES))
        return UNSUPPORTED;
    if ((image->flags & WEIGHTS_IN_FLASH) && !(image->flags & TRAINS_SCORES) &&
        image->first_trained == 0)
        return UNSUPPORTED;
    for (int32_t i = 0; i < image->layer_count; i++)
        if (image->layers[i].kind < 1 || image->layers[i].kind > LAST_KIND)
            return UNKNOWN_LAYER;
    return OK;
}

int main(void)
{
    for (;;) {
        halt(HALT_READY);
        mailbox.status = check(mailbox.image);
        if (mailbox.status != OK)
            continue;
        switch (mailbox.command) {
        case PREDICT:
            forward(mailbox.image);
            break;
        case TRAIN:
            forward(mailbox.image);
            backward(mailbox.image);
            break;
        default:
            mailbox.status = UNKNOWN_COMMAND;
        }
    }
}
