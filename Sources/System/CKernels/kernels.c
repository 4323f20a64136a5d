// Picks the widest level of the processor once, before main, and forwards every public kernel to it.
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "CKernels.h"

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(A, B) A##B
#define JOIN(A, B) JOIN_(A, B)
#define KERNEL(NAME) JOIN(NAME, LEVEL)

// The vector helpers are always inlined, so no vector crosses a call and the ABI warned of does not matter.
#pragma clang diagnostic ignored "-Wpsabi"

enum { LANES = 16 };
typedef float vector __attribute__((vector_size(64)));
typedef int32_t int_vector __attribute__((vector_size(64)));

typedef struct {
    void (*tanh)(size_t n, float *x);
    void (*exp)(size_t n, float *x);
    void (*relu)(size_t n, float *x);
    void (*tanh_backward)(size_t n, const float *y, float *gradient);
    void (*relu_backward)(size_t n, const float *y, float *gradient);
    void (*add_column_sums)(size_t rows, size_t columns, const float *x, float *sums);
    void (*fill_rows)(size_t rows, size_t columns, const float *row, float *x);
    double (*squared_norm)(size_t n, const float *x);
    void (*scale)(size_t n, float factor, float *x);
    void (*add_scaled)(size_t n, float factor, const float *x, float *y);
    void (*adam)(size_t n, float *parameter, const float *gradient, float *m, float *v, float gradient_scale,
                 float step_size, float inverse_root, float beta1, float beta2, float epsilon);
    void (*log_softmax)(size_t segments, const long *offsets, const float *logits, float *log_probabilities,
                        float *probabilities);
    void (*add_to_segments)(size_t segments, const long *offsets, size_t width, const float *values, float *rows);
    void (*sum_segments)(size_t segments, const long *offsets, size_t width, const float *rows, float *sums);
    void (*pool_segments)(size_t segments, const long *offsets, size_t width, const float *rows, size_t output_row,
                          float *mean, float *max, int *arg_max, size_t arg_row);
    void (*pool_segments_backward)(size_t segments, const long *offsets, size_t width, size_t output_row,
                                   const float *mean_gradient, const float *max_gradient, const int *arg_max,
                                   size_t arg_row, float *row_gradients);
} kernel_table;

#define KERNEL_TABLE \
    {.tanh = KERNEL(tanh), .exp = KERNEL(exp), .relu = KERNEL(relu), .tanh_backward = KERNEL(tanh_backward), \
     .relu_backward = KERNEL(relu_backward), \
     .add_column_sums = KERNEL(add_column_sums), .fill_rows = KERNEL(fill_rows), .squared_norm = KERNEL(squared_norm), .scale = KERNEL(scale), \
     .add_scaled = KERNEL(add_scaled), .adam = KERNEL(adam), .log_softmax = KERNEL(log_softmax), \
     .add_to_segments = KERNEL(add_to_segments), .sum_segments = KERNEL(sum_segments), \
     .pool_segments = KERNEL(pool_segments), .pool_segments_backward = KERNEL(pool_segments_backward)}

#if defined(__x86_64__)
#define LEVEL _v4
#pragma clang attribute push(__attribute__((target("arch=x86-64-v4"), min_vector_width(512))), apply_to = function)
#include "level.inc"
#pragma clang attribute pop
#undef LEVEL

#define LEVEL _v3
#pragma clang attribute push(__attribute__((target("arch=x86-64-v3"))), apply_to = function)
#include "level.inc"
#pragma clang attribute pop
#undef LEVEL
#endif

#define LEVEL _baseline
#include "level.inc"

static const kernel_table *kernels = &table_baseline;

// BERTH_KERNELS=v3 or =baseline keeps to a lower level: for equal bits on processors of different levels. What
// OPENBLAS_CORETYPE is to OpenBLAS.
__attribute__((constructor)) static void choose_level(void) {
#if defined(__x86_64__)
    const char *limit = getenv("BERTH_KERNELS");
    int v4 = limit == NULL || strcmp(limit, "v4") == 0, v3 = v4 || strcmp(limit, "v3") == 0;
    __builtin_cpu_init();
    if (v4 && __builtin_cpu_supports("x86-64-v4"))
        kernels = &table_v4;
    else if (v3 && __builtin_cpu_supports("x86-64-v3"))
        kernels = &table_v3;
#endif
}

void berth_tanh(size_t n, float *x) {
    kernels->tanh(n, x);
}

void berth_exp(size_t n, float *x) {
    kernels->exp(n, x);
}

void berth_relu(size_t n, float *x) {
    kernels->relu(n, x);
}

void berth_tanh_backward(size_t n, const float *y, float *gradient) {
    kernels->tanh_backward(n, y, gradient);
}

void berth_relu_backward(size_t n, const float *y, float *gradient) {
    kernels->relu_backward(n, y, gradient);
}

void berth_add_column_sums(size_t rows, size_t columns, const float *x, float *sums) {
    kernels->add_column_sums(rows, columns, x, sums);
}

void berth_fill_rows(size_t rows, size_t columns, const float *row, float *x) {
    kernels->fill_rows(rows, columns, row, x);
}

double berth_squared_norm(size_t n, const float *x) {
    return kernels->squared_norm(n, x);
}

void berth_scale(size_t n, float factor, float *x) {
    kernels->scale(n, factor, x);
}

void berth_add_scaled(size_t n, float factor, const float *x, float *y) {
    kernels->add_scaled(n, factor, x, y);
}

void berth_adam(size_t n, float *parameter, const float *gradient, float *m, float *v, float gradient_scale,
                float step_size, float inverse_root, float beta1, float beta2, float epsilon) {
    kernels->adam(n, parameter, gradient, m, v, gradient_scale, step_size, inverse_root, beta1, beta2, epsilon);
}

void berth_log_softmax(size_t segments, const long *offsets, const float *logits, float *log_probabilities,
                       float *probabilities) {
    kernels->log_softmax(segments, offsets, logits, log_probabilities, probabilities);
}

void berth_add_to_segments(size_t segments, const long *offsets, size_t width, const float *values, float *rows) {
    kernels->add_to_segments(segments, offsets, width, values, rows);
}

void berth_sum_segments(size_t segments, const long *offsets, size_t width, const float *rows, float *sums) {
    kernels->sum_segments(segments, offsets, width, rows, sums);
}

void berth_pool_segments(size_t segments, const long *offsets, size_t width, const float *rows, size_t output_row,
                         float *mean, float *max, int *arg_max, size_t arg_row) {
    kernels->pool_segments(segments, offsets, width, rows, output_row, mean, max, arg_max, arg_row);
}

void berth_pool_segments_backward(size_t segments, const long *offsets, size_t width, size_t output_row,
                                  const float *mean_gradient, const float *max_gradient, const int *arg_max,
                                  size_t arg_row, float *row_gradients) {
    kernels->pool_segments_backward(segments, offsets, width, output_row, mean_gradient, max_gradient, arg_max,
                                    arg_row, row_gradients);
}
