/* ReLU, in place in both directions. Twin of kernels/reference/relu.py. */
#include "operations.h"
#include "words.h"

void relu_forward(const struct image *image, const struct layer *layer)
{
    int8_t *values = at(image, layer->outputs);
    int8_t *end = values + elements(layer->out);
    for (; end - values >= 4; values += 4) {
        word four = *(word *)values;
        word negative = four & SIGNS;
        if (negative)
            *(word *)values = four & ~filled(negative);
    }
    for (; values != end; values++)
        if (*values < 0)
            *values = 0;
}

/* An output is 0..127, since it is what relu_forward left. */
void relu_backward(const struct image *image, const struct layer *layer)
{
    const int8_t *outputs = at(image, layer->outputs);
    int8_t *error = at(image, layer->output_error);
    int8_t *end = error + elements(layer->out);
    for (; end - error >= 4; error += 4, outputs += 4) {
        word four = *(word *)error;
        if (four) {
            word positive = (*(const word *)outputs + ~SIGNS) & SIGNS;
            *(word *)error = four & filled(positive);
        }
    }
    for (; error != end; error++, outputs++)
        if (*outputs <= 0)
            *error = 0;
}
