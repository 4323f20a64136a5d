#ifndef CSIMULATORKERNELS_H
#define CSIMULATORKERNELS_H

#include <stddef.h>

/// Requests that waited: a shifted gamma distribution in the form of the Wilson-Hilferty transform,
/// P(X > x) = P(Z > (cbrt((x - shift) * inverse_mean) - center) * steepness) with Z standard normal.
typedef struct {
    float weight;
    /// Most that the term contributes.
    float limit;
    float shift;
    float inverse_mean;
    float center;
    float steepness;
    /// Longest wait: no more than exp(-(x - ceiling) * inverse_service) of the term is above x.
    float ceiling;
    float inverse_service;
} berth_waiting_term;

/// Requests that did not wait.
typedef struct {
    float weight;
    /// The mean (deterministic), 1 / mean (exponential) or the mean of the logarithm (log-normal).
    float location;
} berth_direct_term;

/// Family of the requests that did not wait.
typedef enum {
    berth_deterministic = 0,
    berth_exponential = 1,
    berth_log_normal = 2,
} berth_family;

/// Writes the sum over all terms of weight * P(X > x) for each of sixteen points x > 0.
///
/// Absolute error below 2e-6 of the total weight. Compiled for several levels of the x86-64 architecture, of which the
/// widest that the processor has is chosen when the program starts; results differ in the last bits between them.
///
/// - logarithms: natural logarithms of the points.
/// - inverse_log_deviation: 1 / standard deviation of the logarithm, for log-normal direct terms.
void berth_mixture_tails(
    const berth_waiting_term *waiting, size_t waiting_count, const berth_direct_term *direct, size_t direct_count,
    berth_family family, float inverse_log_deviation, const float *points, const float *logarithms, float *tails);

#endif
