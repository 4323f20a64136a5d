// HDF5's serial C library as Debian ships it (libhdf5-dev). The native types and
// access flags are macros over globals, which Swift 6 does not import: one inline
// function for each that is used.
#pragma once
#include <hdf5.h>
#include <stdio.h>
#include <string.h>

// Types in memory.
static inline hid_t chdf5_native_float(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t chdf5_native_double(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t chdf5_native_int64(void) { return H5T_NATIVE_INT64; }
static inline hid_t chdf5_native_uint64(void) { return H5T_NATIVE_UINT64; }

// Types in the file, the same on every machine.
static inline hid_t chdf5_file_float32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_file_float64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_file_int64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_file_uint64(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }

static inline hid_t chdf5_class_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_class_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_class_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline unsigned chdf5_truncate(void) { return H5F_ACC_TRUNC; }
static inline unsigned chdf5_read_only(void) { return H5F_ACC_RDONLY; }
static inline size_t chdf5_variable_length(void) { return H5T_VARIABLE; }

// Errors are read by chdf5_error_message, not printed.
static inline void chdf5_silence(void) { H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

typedef struct { char *text; size_t size; } chdf5_message;

static herr_t chdf5_keep_innermost(unsigned depth, const H5E_error2_t *error, void *context) {
    chdf5_message *message = (chdf5_message *)context;
    if (depth == 0) snprintf(message->text, message->size, "%s: %s", error->func_name, error->desc ? error->desc : "");
    return 0;
}

// The innermost entry of this thread's error stack; an empty text when there is none.
static inline void chdf5_error_message(char *text, size_t size) {
    chdf5_message message = { text, size };
    text[0] = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, chdf5_keep_innermost, &message);
}

// Whether the link is an object of this file: not a soft, external or user-defined link.
static inline int chdf5_link_is_hard(hid_t group, const char *name) {
    H5L_info_t info;
    return H5Lget_info(group, name, &info, H5P_DEFAULT) >= 0 && info.type == H5L_TYPE_HARD;
}
