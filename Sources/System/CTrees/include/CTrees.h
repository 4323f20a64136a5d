// Sums of regression trees over rows, several walks down the trees at a time: each step waits for memory, and the walks do
// not wait for each other.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A node. Its children are next to each other. A leaf is its own left child, and its threshold is infinite.
typedef struct {
    float threshold;         // a value below it goes to the left child, another to the right one
    float value;             // of a leaf
    int32_t left;            // index of the left child
    int16_t feature;         // which value is compared
    int16_t missing_right;   // 1 where a missing value (NaN) goes to the right child, 0 where it goes to the left one
} berth_tree_node;

// out[count] = base + the leaves' values of all trees, added in the order of the trees.
// roots[trees] are indices of nodes, depths[trees] the greatest number of steps from the root to a leaf; rows[count x width]
// hold no infinite values; features are below width.
void berth_trees_sum(
    const berth_tree_node *nodes, const int32_t *roots, const int32_t *depths, size_t trees, float base, const float *rows,
    size_t count, size_t width, float *out);

#ifdef __cplusplus
}
#endif
