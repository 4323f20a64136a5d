// Element-wise kernels that Swift's strict floating point does not vectorise.
#pragma once
