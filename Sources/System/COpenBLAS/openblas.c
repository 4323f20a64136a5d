#include "berth_openblas.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROW_MAJOR = 101, AS_IT_IS = 111, TRANSPOSED = 112 };

static struct {
    void *handle;
    void (*sgemm)(
        int order, int form_of_a, int form_of_b, int rows, int columns, int inner, float alpha, const float *a,
        int a_stride, const float *b, int b_stride, float beta, float *c, int c_stride);
    char *(*corename)(void);
    char *(*config)(void);
} library;

// Names are copied: the library's own go with it when it is unloaded.
static char asked[64], first[64], chosen[64];

// Sets a variable, or removes it for null; returns what it was, for another call, or null.
static char *exchange(const char *name, const char *value) {
    const char *present = getenv(name);
    char *before = present ? strdup(present) : NULL;
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
    return before;
}

static const char *open_library(void) {
    static char message[512];
    library.handle = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library.handle) {
        snprintf(message, sizeof message, "%s", dlerror());
        return message;
    }
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"cblas_sgemm", &library.sgemm},
        {"openblas_get_corename", &library.corename},
        {"openblas_get_config", &library.config},
    };
    for (unsigned i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *symbol = dlsym(library.handle, symbols[i].name);
        if (!symbol) {
            snprintf(message, sizeof message, "libopenblas.so.0 is not OpenBLAS: it has no %s", symbols[i].name);
            return message;
        }
        *(void **)symbols[i].place = symbol;
    }
    return NULL;
}

// Loads the library, once more where it is loaded already, with OPENBLAS_CORETYPE as given; empty leaves it unset. The
// environment is left as it was: what this program starts chooses for itself.
static void load(const char *set) {
    if (library.handle) dlclose(library.handle);
    library.handle = NULL;
    // OpenBLAS' own threads slow small products down and would make the order of sums depend on their number.
    char *threads = exchange("OPENBLAS_NUM_THREADS", "1");
    char *before = exchange("OPENBLAS_CORETYPE", set && *set ? set : NULL);
    const char *problem = open_library();
    free(exchange("OPENBLAS_CORETYPE", before));
    free(exchange("OPENBLAS_NUM_THREADS", threads));
    free(before);
    free(threads);
    if (!problem) return;
    fprintf(
        stderr, "error: OpenBLAS cannot be loaded: %s\nhint: install it (on Debian: apt-get install libopenblas0)\n",
        problem);
    _exit(127);
}

__attribute__((constructor)) static void load_first(void) {
    const char *variable = getenv("OPENBLAS_CORETYPE");
    if (variable) snprintf(asked, sizeof asked, "%s", variable);
    load(asked);
    snprintf(first, sizeof first, "%s", library.corename());
    const char *better = asked[0] ? NULL : berth_openblas_better_set(first, berth_openblas_level());
    if (better) load(better);
    snprintf(chosen, sizeof chosen, "%s", better ? better : asked);
}

void berth_openblas_use(const char *set) { load(set ? set : chosen); }

void berth_openblas_multiply(
    bool transposing_a, bool transposing_b, int rows, int columns, int inner, const float *a, int a_stride,
    const float *b, int b_stride, bool adding, float *c, int c_stride) {
    library.sgemm(
        ROW_MAJOR, transposing_a ? TRANSPOSED : AS_IT_IS, transposing_b ? TRANSPOSED : AS_IT_IS, rows, columns, inner,
        1, a, a_stride, b, b_stride, adding ? 1 : 0, c, c_stride);
}

const char *berth_openblas_build(void) { return library.config(); }

const char *berth_openblas_set(void) { return library.corename(); }

const char *berth_openblas_first_set(void) { return first; }

const char *berth_openblas_asked_set(void) { return asked[0] ? asked : NULL; }

int berth_openblas_level(void) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("x86-64-v4")) return 4;
    if (__builtin_cpu_supports("x86-64-v3")) return 3;
#endif
    return 0;
}

const char *berth_openblas_better_set(const char *taken, int level) {
    const char *without_avx2[] = {
        "Unknown", "Katmai", "Coppermine", "Northwood", "Prescott", "Banias", "Atom", "Core2", "Penryn", "Dunnington",
        "Nehalem", "Athlon", "Opteron", "Opteron_SSE3", "Barcelona", "Nano", "Sandybridge", "Bobcat", "Bulldozer",
        "Piledriver", "Steamroller", NULL};
    const char *without_avx512[] = {"Excavator", "Haswell", "Zen", NULL};
    // On a Zen 4, whose AVX-512 is 256 bits wide, SkylakeX is the faster set too, and no slower than Cooperlake, which
    // OpenBLAS takes there; among those of AVX2 Haswell is, by about a tenth.
    const char *best = level >= 4 ? "SkylakeX" : level == 3 ? "Haswell" : NULL;
    for (int i = 0; without_avx2[i]; i++)
        if (strcmp(taken, without_avx2[i]) == 0) return best;
    for (int i = 0; without_avx512[i]; i++)
        if (strcmp(taken, without_avx512[i]) == 0) return level >= 4 ? best : NULL;
    return NULL;
}
