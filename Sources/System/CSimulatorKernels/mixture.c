#include <stdint.h>
#include <string.h>

#include "CSimulatorKernels.h"

#define INLINE static inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__linux__)
#define LEVELS __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LEVELS
#endif

enum { LANES = 16 };

// One value each, without branches, so that the compiler works on all lanes of a loop side by side.

INLINE int32_t bits_of(float x) {
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
INLINE float float_of(int32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

// e^x for x <= 0, relative error below 3e-7; e^-87 below -87.
INLINE float exponential(float x) {
    // 2^t = 2^n 2^f with n the nearest integer: adding 1.5 * 2^23 leaves n in the low bits.
    float t = x * 1.442695041f;
    t = t < -126.0f ? -126.0f : t;
    float shifted = t + 12582912.0f;
    float f = t - (shifted - 12582912.0f);
    float p = f * 0.001333356f + 0.009618129f;
    p = p * f + 0.05550411f;
    p = p * f + 0.2402265f;
    p = p * f + 0.6931472f;
    p = p * f + 1.0f;
    return float_of(bits_of(p) + (int32_t)((uint32_t)bits_of(shifted) << 23));
}

// The cube root of x, or of 1e-30 below; relative error below 1e-6 after a guess from the bits, a step of Halley's
// method and one of Newton's.
INLINE float cube_root(float x) {
    float y = x < 1e-30f ? 1e-30f : x;
    // Bits / 3 + constant, divided as floats, which loses eight bits that a guess does not need.
    float root = float_of((int32_t)((float)bits_of(y) * 0.33333333f + 709921077.0f));
    float cube = root * root * root;
    root *= (cube + 2.0f * y) / (2.0f * cube + y);
    cube = root * root * root;
    return root - root * (cube - y) / (3.0f * y);
}

// P(Z > z) of a standard normal, absolute error below 1e-6 (Abramowitz and Stegun, 26.2.17).
INLINE float upper_normal(float z) {
    float size = z < 0.0f ? -z : z;
    float t = 1.0f / (size * 0.2316419f + 1.0f);
    float p = t * 1.330274429f - 1.821255978f;
    p = p * t + 1.781477937f;
    p = p * t - 0.356563782f;
    p = p * t + 0.319381530f;
    float above = p * t * 0.3989422804f * exponential(size * size * -0.5f);
    return z < 0.0f ? 1.0f - above : above;
}

INLINE float waiting_tail(berth_waiting_term term, float x) {
    float scaled = (x - term.shift) * term.inverse_mean;
    float above = upper_normal((cube_root(scaled) - term.center) * term.steepness);
    above = scaled <= 0.0f ? 1.0f : above;
    float beyond = (x - term.ceiling) * term.inverse_service;
    float bound = exponential(beyond < 0.0f ? 0.0f : -beyond);
    above = bound < above ? bound : above;
    float part = term.weight * above;
    return part < term.limit ? part : term.limit;
}

LEVELS void berth_mixture_tails(
    const berth_waiting_term *waiting, size_t waiting_count, const berth_direct_term *direct, size_t direct_count,
    berth_family family, float inverse_log_deviation, const float *points, const float *logarithms, float *tails) {
    float x[LANES], logarithm[LANES], sum[LANES] = {0};
    memcpy(x, points, sizeof x);
    memcpy(logarithm, logarithms, sizeof logarithm);
    for (size_t index = 0; index < waiting_count; index++) {
        berth_waiting_term term = waiting[index];
        for (int lane = 0; lane < LANES; lane++) sum[lane] += waiting_tail(term, x[lane]);
    }
    for (size_t index = 0; index < direct_count; index++) {
        float weight = direct[index].weight, location = direct[index].location;
        switch (family) {
        case berth_deterministic:
            for (int lane = 0; lane < LANES; lane++) sum[lane] += x[lane] < location ? weight : 0.0f;
            break;
        case berth_exponential:
            for (int lane = 0; lane < LANES; lane++) sum[lane] += weight * exponential(x[lane] * -location);
            break;
        case berth_log_normal:
            for (int lane = 0; lane < LANES; lane++)
                sum[lane] += weight * upper_normal((logarithm[lane] - location) * inverse_log_deviation);
            break;
        }
    }
    memcpy(tails, sum, sizeof sum);
}
