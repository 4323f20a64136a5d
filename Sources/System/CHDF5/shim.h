// HDF5's serial C library as Debian ships it (libhdf5-dev). The native types and
// access flags are macros over globals, which Swift 6 does not import: one inline
// function for each that is used.
#pragma once
#include <hdf5.h>
