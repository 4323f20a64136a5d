// The few functions of Open MPI that a ProcessGroup needs.
//
// The library is loaded when a run was started by mpirun and not before, so that a machine that serves a policy or
// trains in one process needs no MPI. That is why its interface is declared here, as far as it is used, and not taken
// from mpi.h: these declarations are Open MPI's binary interface of versions 3 to 5 (libmpi.so.40).
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

// A gathering that is under way.
typedef struct berth_mpi_request berth_mpi_request;

// Loads the library and joins the processes that mpirun started; gives this one's rank and their number.
// Returns null, or what went wrong: a text that is valid until the next call.
const char *berth_mpi_join(int *rank, int *size);

// Begins to gather bytes: `count` from this process, counts[r] from the process of rank r into all[places[r]...].
// The memory must stay as it is until berth_mpi_is_done says so.
// Returns 0, or MPI's error code, for berth_mpi_error.
int berth_mpi_gather(
    const void *own, int count, void *all, const int *counts, const int *places, berth_mpi_request **request);

// Sets *done to 1 when the gathering is complete. Returns 0 or an error code.
int berth_mpi_is_done(berth_mpi_request **request, int *done);

// What an error code means: a text that is valid until the next call.
const char *berth_mpi_error(int code);

// Ends all processes, with this exit status. It does not return.
void berth_mpi_abort(int status);

// Leaves the group; all processes have to.
void berth_mpi_leave(void);

#ifdef __cplusplus
}
#endif
