// By name: the flags of hiredis' pkg-config file are refused by the package manager.
#pragma once
#include <hiredis/hiredis.h>
