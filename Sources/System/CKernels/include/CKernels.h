// Element-wise kernels and sums that Swift's strict floating point does not vectorise. Products are OpenBLAS'.
//
// Conventions: matrices are row-major and dense unless a stride is named; sizes count floats, not bytes; pointers need
// no alignment beyond that of float; inputs and outputs do not overlap unless the comment says "in place".
// Segments are described by offsets[0...segments]: segment s owns rows offsets[s] ..< offsets[s + 1].
//
// Every function is compiled for x86-64-v4 (AVX-512), v3 (AVX2 and FMA) and the baseline; the widest is picked when the
// program starts (BERTH_KERNELS=v3 or baseline in the environment keeps to a lower one). The order of every sum is fixed
// and the same at all levels, so equal inputs give equal bits on every processor with FMA; those of the baseline, which
// rounds products before it adds them, differ in the last places.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

// x = tanh(x) in place; within 4e-7 of the exact value; +-1 beyond |x| = 8; NaN stays NaN.
void berth_tanh(size_t n, float *x);
// x = exp(x) in place; relative error below 3e-7 for x in [-87, 88]; below -87 the result is 0, above 88 infinity.
void berth_exp(size_t n, float *x);
// x = max(x, 0) in place.
void berth_relu(size_t n, float *x);
// gradient *= 1 - y * y in place, where y = tanh(x).
void berth_tanh_backward(size_t n, const float *y, float *gradient);
// gradient = 0 where y = relu(x) is 0, in place.
void berth_relu_backward(size_t n, const float *y, float *gradient);

// sums[columns] += column sums of x[rows x columns], rows in ascending order.
void berth_add_column_sums(size_t rows, size_t columns, const float *x, float *sums);
// Every row of x[rows x columns] = row[columns].
void berth_fill_rows(size_t rows, size_t columns, const float *row, float *x);
// Sum of squares.
double berth_squared_norm(size_t n, const float *x);
// x *= factor in place.
void berth_scale(size_t n, float factor, float *x);
// y += factor * x.
void berth_add_scaled(size_t n, float factor, const float *x, float *y);

// One step of Adam (Kingma and Ba 2015, algorithm 1) with the gradient scaled first:
//   g = gradient * gradient_scale; m += (1 - beta1) (g - m); v += (1 - beta2) (g * g - v)
//   parameter -= step_size * m / (sqrt(v) * inverse_root + epsilon)
// where step_size = rate / (1 - beta1^t) and inverse_root = 1 / sqrt(1 - beta2^t).
void berth_adam(size_t n, float *parameter, const float *gradient, float *m, float *v, float gradient_scale,
                float step_size, float inverse_root, float beta1, float beta2, float epsilon);

// Per segment of logits: log_probabilities = logits - log(sum(exp(logits))), probabilities = exp of it.
// A segment without elements contributes nothing.
void berth_log_softmax(size_t segments, const long *offsets, const float *logits, float *log_probabilities,
                       float *probabilities);

// rows[offsets[s] + i][:] += values[s][:] for every row of every segment; width floats a row.
void berth_add_to_segments(size_t segments, const long *offsets, size_t width, const float *values, float *rows);
// sums[s][:] = sum of the segment's rows, in ascending order.
void berth_sum_segments(size_t segments, const long *offsets, size_t width, const float *rows, float *sums);
// mean[s][:] and max[s][:] over the segment's rows; arg_max[s][:] is the first row (counted over all segments) that
// attains the maximum. A segment without rows gives 0, 0 and -1. The three outputs have rows of output_row floats or
// ints, so that they can be written into a wider matrix.
void berth_pool_segments(size_t segments, const long *offsets, size_t width, const float *rows, size_t output_row,
                         float *mean, float *max, int *arg_max, size_t arg_row);
// Adds the gradients of mean and max to row_gradients.
void berth_pool_segments_backward(size_t segments, const long *offsets, size_t width, size_t output_row,
                                  const float *mean_gradient, const float *max_gradient, const int *arg_max,
                                  size_t arg_row, float *row_gradients);

#ifdef __cplusplus
}
#endif
