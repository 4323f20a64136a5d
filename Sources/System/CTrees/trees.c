#include "CTrees.h"

enum { lanes = 8, block = 256 };

static inline int32_t next(const berth_tree_node *nodes, int32_t index, const float *row) {
    const berth_tree_node *node = nodes + index;
    float x = row[node->feature];
    // Without a branch: which way a row goes cannot be predicted.
    int32_t missing = x != x, below = x < node->threshold;
    return node->left + (((below | missing) ^ 1) | (missing & node->missing_right));
}

// One tree for `lanes` rows.
static inline void add_tree(
    const berth_tree_node *nodes, int32_t root, int32_t depth, const float *rows, size_t width, float *out) {
    int32_t at[lanes];
    for (int lane = 0; lane < lanes; lane++) at[lane] = root;
    for (int32_t step = 0; step < depth; step++)
        for (int lane = 0; lane < lanes; lane++) at[lane] = next(nodes, at[lane], rows + lane * width);
    for (int lane = 0; lane < lanes; lane++) out[lane] += nodes[at[lane]].value;
}

// All trees for one row.
static float sum_row(
    const berth_tree_node *nodes, const int32_t *roots, const int32_t *depths, size_t trees, float base, const float *row) {
    size_t tree = 0;
    float sum = base;
    for (; tree + lanes <= trees; tree += lanes) {
        int32_t at[lanes], depth = 0;
        for (int lane = 0; lane < lanes; lane++) {
            at[lane] = roots[tree + lane];
            if (depths[tree + lane] > depth) depth = depths[tree + lane];
        }
        for (int32_t step = 0; step < depth; step++)
            for (int lane = 0; lane < lanes; lane++) at[lane] = next(nodes, at[lane], row);
        for (int lane = 0; lane < lanes; lane++) sum += nodes[at[lane]].value;
    }
    for (; tree < trees; tree++) {
        int32_t at = roots[tree];
        for (int32_t step = 0; step < depths[tree]; step++) at = next(nodes, at, row);
        sum += nodes[at].value;
    }
    return sum;
}

void berth_trees_sum(
    const berth_tree_node *nodes, const int32_t *roots, const int32_t *depths, size_t trees, float base, const float *rows,
    size_t count, size_t width, float *out) {
    size_t whole = count / lanes * lanes;
    for (size_t row = 0; row < whole; row++) out[row] = base;
    // A tree stays in the cache for a block of rows.
    for (size_t begin = 0; begin < whole; begin += block) {
        size_t end = begin + block < whole ? begin + block : whole;
        for (size_t tree = 0; tree < trees; tree++)
            for (size_t row = begin; row < end; row += lanes)
                add_tree(nodes, roots[tree], depths[tree], rows + row * width, width, out + row);
    }
    for (size_t row = whole; row < count; row++)
        out[row] = sum_row(nodes, roots, depths, trees, base, rows + row * width);
}
