/* The operations that are parted by output channels: each core runs the fast variant's kernel on a
 * layer of its own. The linker turns calls of operation() into __wrap_operation(), and __real_operation()
 * into the kernel.
 */
#include "count_weights.h"
#include "dense_ternary.h"
#include "operations.h"

#include "requantise.h"
#include "split.h"

/* Elements below which fork and join cost more than a second core gives a layer without weights. */
#define WORTH_SPLITTING 256

int main(void);
int __real_main(void);
int32_t __real_conv2d_forward(const struct image *image, const struct layer *layer);
int32_t __real_dense_forward(const struct image *image, const struct layer *layer);
int32_t __real_dense_ternary_forward(const struct image *image, const struct layer *layer);
void __real_count_weights(const struct image *image, const struct layer *layer);
void __real_conv2d_update(const struct image *image, const struct layer *layer);
void __real_dense_update(const struct image *image, const struct layer *layer);

#define DECLARE_REAL(KIND, name) \
    void __real_##name##_forward(const struct image *image, const struct layer *layer); \
    void __real_##name##_backward(const struct image *image, const struct layer *layer);
OPERATIONS_WITHOUT_WEIGHTS(DECLARE_REAL)

int __wrap_main(void)
{
    launch_core1();
    return __real_main();
}

static void conv2d_forward_part(struct part *part)
{
    part->shift = __real_conv2d_forward(part->image, &part->layer);
}

static void dense_forward_part(struct part *part)
{
    part->shift = __real_dense_forward(part->image, &part->layer);
}

/* With dynamic scales, each part took the shift that its own largest sum asks for: the larger one
 * holds for both.
 */
static int32_t joined_shift(struct part parts[2])
{
    int32_t shift = parts[0].shift > parts[1].shift ? parts[0].shift : parts[1].shift;
    const struct image *image = parts[0].image;
    struct rounding rounding = rounding_by(shift, image->flags & ROUND_NEAREST);
    for (int32_t i = 0; i < 2; i++) {
        const struct layer *layer = &parts[i].layer;
        if (parts[i].shift != shift)
            requantise(at(image, layer->sums), at(image, layer->outputs), elements(layer->out),
                       &rounding);
    }
    return shift;
}

int32_t __wrap_conv2d_forward(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if (!split_outputs(image, layer, parts, conv2d_forward_part))
        return __real_conv2d_forward(image, layer);
    run_parts(parts);
    return joined_shift(parts);
}

int32_t __wrap_dense_forward(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if (!split_outputs(image, layer, parts, dense_forward_part))
        return __real_dense_forward(image, layer);
    run_parts(parts);
    return joined_shift(parts);
}

static void dense_ternary_forward_part(struct part *part)
{
    part->shift = __real_dense_ternary_forward(part->image, &part->layer);
}

int32_t __wrap_dense_ternary_forward(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if (!split_outputs(image, layer, parts, dense_ternary_forward_part))
        return __real_dense_ternary_forward(image, layer);
    run_parts(parts);
    return layer->forward_shift;
}

static void count_weights_part(struct part *part)
{
    __real_count_weights(part->image, &part->layer);
}

void __wrap_count_weights(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if (split_outputs(image, layer, parts, count_weights_part))
        run_parts(parts);
    else
        __real_count_weights(image, layer);
}

static void conv2d_update_part(struct part *part)
{
    __real_conv2d_update(part->image, &part->layer);
}

static void dense_update_part(struct part *part)
{
    __real_dense_update(part->image, &part->layer);
}

/* With a dynamic scale the largest gradient of all rows decides about each of them: core 0 takes all. */
void __wrap_conv2d_update(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if ((image->flags & DYNAMIC) || !split_outputs(image, layer, parts, conv2d_update_part))
        __real_conv2d_update(image, layer);
    else
        run_parts(parts);
}

void __wrap_dense_update(const struct image *image, const struct layer *layer)
{
    struct part parts[2];
    if ((image->flags & DYNAMIC) || !split_outputs(image, layer, parts, dense_update_part))
        __real_dense_update(image, layer);
    else
        run_parts(parts);
}

static bool parted(const struct image *image, const struct layer *layer, void (*run)(struct part *))
{
    struct part parts[2];
    if (elements(layer->out) < WORTH_SPLITTING || !split_channels(image, layer, parts, run))
        return false;
    run_parts(parts);
    return true;
}

#define DEFINE_PARTS(KIND, name) \
    static void name##_forward_part(struct part *part) \
    { \
        __real_##name##_forward(part->image, &part->layer); \
    } \
    static void name##_backward_part(struct part *part) \
    { \
        __real_##name##_backward(part->image, &part->layer); \
    }
OPERATIONS_WITHOUT_WEIGHTS(DEFINE_PARTS)

#define DEFINE_WRAPS(KIND, name) \
    void __wrap_##name##_forward(const struct image *image, const struct layer *layer) \
    { \
        if (!parted(image, layer, name##_forward_part)) \
            __real_##name##_forward(image, layer); \
    } \
    void __wrap_##name##_backward(const struct image *image, const struct layer *layer) \
    { \
        if (!parted(image, layer, name##_backward_part)) \
            __real_##name##_backward(image, layer); \
    }
OPERATIONS_WITHOUT_WEIGHTS(DEFINE_WRAPS)
