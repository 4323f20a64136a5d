// OpenBLAS as Debian ships it (libopenblas-dev); the pkg-config name is openblas.
#pragma once
#include <cblas.h>
