// The product of matrices by OpenBLAS, with the fastest of its kernels that the processor runs.
//
// OpenBLAS decides on its kernels when it is loaded, by a list of processors that ends where its version does: on a
// newer one Debian's takes kernels several times slower than it could. It is therefore not linked but loaded, before
// main, and loaded once more with OPENBLAS_CORETYPE set where its choice is a poor one. That variable, where the user
// has set it, is obeyed. That is why OpenBLAS' interface is declared in openblas.c and not taken from cblas.h.
//
// A program that cannot load the library says so and ends with status 127, as one that is linked to it does.
#pragma once
#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

// c = a · b, or c += a · b where `adding`; matrices are row-major, a and b stored as they are or transposed.
// c is rows × columns, the sums have `inner` terms; strides count floats from one stored row to the next.
void berth_openblas_multiply(
    bool transposing_a, bool transposing_b, int rows, int columns, int inner, const float *a, int a_stride,
    const float *b, int b_stride, bool adding, float *c, int c_stride);

// The library's version and how it was built, as it tells them.
const char *berth_openblas_build(void);

// The kernel set in use, by OpenBLAS' name for it, such as SkylakeX.
const char *berth_openblas_set(void);

// The set that OpenBLAS took by itself, or as OPENBLAS_CORETYPE says, when the program started.
const char *berth_openblas_first_set(void);

// What OPENBLAS_CORETYPE was when the program started, or null where it was not set or empty.
const char *berth_openblas_asked_set(void);

// What the processor and the system run: 4 for x86-64-v4 (AVX-512), 3 for x86-64-v3 (AVX2 and FMA), 0 for less.
int berth_openblas_level(void);

// The set to load in place of the one that OpenBLAS took, on a processor of this level; null where there is none that
// is faster, and for sets that are not known.
const char *berth_openblas_better_set(const char *taken, int level);

// Loads the library again with another set; for "" with the one that it takes by itself, and for null with the one of the
// program's start. For measurements: no other thread may multiply meanwhile. A set that the library does not have gives the one it takes by itself; one that
// the processor cannot run ends the program.
void berth_openblas_use(const char *set);

#ifdef __cplusplus
}
#endif
