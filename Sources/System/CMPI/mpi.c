#include "berth_mpi.h"
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

// Handles of Open MPI are pointers to structures of its own.
typedef void *communicator;
typedef void *datatype;

static struct {
    int (*Init_thread)(int *, char ***, int, int *);
    int (*Comm_rank)(communicator, int *);
    int (*Comm_size)(communicator, int *);
    int (*Comm_set_errhandler)(communicator, void *);
    int (*Iallgatherv)(
        const void *, int, datatype, void *, const int *, const int *, datatype, communicator, berth_mpi_request **);
    int (*Test)(berth_mpi_request **, int *, void *);
    int (*Error_string)(int, char *, int *);
    int (*Abort)(communicator, int);
    int (*Finalize)(void);
    communicator world;
    datatype byte;
    void *errors_return;
} mpi;

static char message[512];

static const char *load(void) {
    const char *names[] = {"libmpi.so.40", "libmpi.so", NULL};
    void *library = NULL;
    // Open MPI's plugins look for its symbols in the whole program.
    for (int i = 0; names[i] && !library; i++) library = dlopen(names[i], RTLD_NOW | RTLD_GLOBAL);
    if (!library) {
        snprintf(message, sizeof message, "%s", dlerror());
        return message;
    }
    const struct {
        const char *name;
        void *place;
    } symbols[] = {
        {"MPI_Init_thread", &mpi.Init_thread},
        {"MPI_Comm_rank", &mpi.Comm_rank},
        {"MPI_Comm_size", &mpi.Comm_size},
        {"MPI_Comm_set_errhandler", &mpi.Comm_set_errhandler},
        {"MPI_Iallgatherv", &mpi.Iallgatherv},
        {"MPI_Test", &mpi.Test},
        {"MPI_Error_string", &mpi.Error_string},
        {"MPI_Abort", &mpi.Abort},
        {"MPI_Finalize", &mpi.Finalize},
        {"ompi_mpi_comm_world", &mpi.world},
        {"ompi_mpi_byte", &mpi.byte},
        {"ompi_mpi_errors_return", &mpi.errors_return},
    };
    for (unsigned i = 0; i < sizeof symbols / sizeof symbols[0]; i++) {
        void *symbol = dlsym(library, symbols[i].name);
        if (!symbol) {
            snprintf(message, sizeof message, "the MPI library is not Open MPI: it has no %s", symbols[i].name);
            return message;
        }
        *(void **)symbols[i].place = symbol;
    }
    return NULL;
}

const char *berth_mpi_join(int *rank, int *size) {
    const char *problem = load();
    if (problem) return problem;
    // Only the thread that joins calls MPI; others compute.
    enum { FUNNELED = 1 };
    int provided = 0;
    int code = mpi.Init_thread(NULL, NULL, FUNNELED, &provided);
    if (code == 0) code = mpi.Comm_set_errhandler(mpi.world, mpi.errors_return);
    if (code == 0) code = mpi.Comm_rank(mpi.world, rank);
    if (code == 0) code = mpi.Comm_size(mpi.world, size);
    if (code) return berth_mpi_error(code);
    if (provided < FUNNELED) return "the MPI library does not allow threads beside its own";
    return NULL;
}

int berth_mpi_gather(
    const void *own, int count, void *all, const int *counts, const int *places, berth_mpi_request **request) {
    return mpi.Iallgatherv(own, count, mpi.byte, all, counts, places, mpi.byte, mpi.world, request);
}

int berth_mpi_is_done(berth_mpi_request **request, int *done) {
    return mpi.Test(request, done, NULL);
}

const char *berth_mpi_error(int code) {
    // MPI_MAX_ERROR_STRING of Open MPI is 256.
    int length = 0;
    if (mpi.Error_string(code, message, &length)) snprintf(message, sizeof message, "MPI error %d", code);
    return message;
}

void berth_mpi_abort(int status) {
    mpi.Abort(mpi.world, status);
    abort();
}

void berth_mpi_leave(void) { mpi.Finalize(); }
