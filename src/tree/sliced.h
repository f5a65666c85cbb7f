/* sliced.h: trees laid out to be walked by many rows at once.
 *
 * With AVX-512 every split of a tree is taken for 64 rows (or 32) in one comparison of bytes,
 * needed or not, and the outcomes are then selected level by level up to the root, which leaves
 * each row with the number of its leaf: no row waits for a memory access that depends on another.
 * Otherwise the same is done over bits, where splits that trees have in common are taken once
 * (walk_bits.h).
 *
 * A tree becomes a full tree of 3 to 8 levels: a node in whose place the tree has a leaf already
 * goes right always, or left: all the leaves below it are that one. Steps lie in the order in which
 * they are used (a node, its left subtree, its right subtree). Where a tree is deeper, or a level
 * has many categorical splits, rows go on from the full tree's leaves node by node (sliced_deep.h,
 * sliced_sets.h).
 *
 * Size: 8 bytes a step and 4 a leaf: 760 bytes a tree of 6 levels, 3,064 of 8. A block's columns
 * (28 features: 7 to 14 kB) fit the first-level cache and stay there while trees stream past from
 * the second. Trees beyond the second level's size are taken in groups of 256 kB, each by up to 8
 * blocks in turn, so that they come from the third level once in 2,048 rows. (The leaves are held
 * a second time: as floats, and as 4 planes of bytes, which is how AVX-512 looks them up; and so
 * are trees whose lower levels it looks up: 120 to 504 bytes and 256 for each such level.) */
#ifndef LATHE_TREE_SLICED_H
#define LATHE_TREE_SLICED_H

#include "parse/target.h"
#include "tree/cuts.h"
#include "tree/forest.h"
#include "tree/sliced_bits.h"
#include "tree/sliced_deep.h"
#include "tree/sliced_sets.h"

enum { LEAST_LEVELS = 3, MOST_LEVELS = 8, MOST_LEAVES = 1 << MOST_LEVELS };

struct sliced_tree {
    uint32_t levels;
    uint32_t output;
    size_t steps, leaves, planes; /* where they begin */
    size_t exits;                 /* where its exits begin, or NO_EXITS */
    size_t tests;                 /* the same of its categorical splits, */
    size_t upper, lookups;        /* and, in a tree whose lower levels are looked up, of these */
};

#define NO_EXITS SIZE_MAX

/* A level of a tree by the numbers that those above give. With AVX-512 each row's node there is
 * looked up and its code picked among all columns, which takes about as long as that many splits;
 * so levels are looked up that have as many nodes as there are columns, or more. */
struct lookup {
    uint8_t columns[MOST_LEAVES / 2]; /* numbers of columns */
    int8_t thresholds[MOST_LEAVES / 2];
};

struct sliced {
    const struct sliced_way *way;
    struct cut_plan plan;
    struct sliced_tree *trees;
    size_t tree_count;
    struct cut_step *steps;
    float *leaves;            /* 2^levels a tree; vector leaves: that for each output */
    uint8_t *planes;          /* the same as 4 planes of at least 64 bytes; or NULL */
    int32_t *exits;           /* deep trees: for each leaf the node to go on from, or NO_CHILD */
    struct sliced_deep deep;  /* what is below them, where it is worth it; or no nodes; */
    struct sliced_sets *sets; /* with categories whole trees instead, else NULL */
    uint32_t walked;          /* AVX-512: levels above those that are looked up: 4 to 6, or 8; */
    struct cut_step *upper;   /* of each tree that has such their steps, */
    struct lookup *lookups;   /* and the others */
    size_t column_room; /* columns in a block: what is picked from may be more than there are */
    size_t tables;      /* leaf tables a tree: outputs with vector leaves, else 1 */
    size_t mask_bytes;  /* of a block's masks */
    size_t block_bytes; /* that a block needs: its columns, masks, and sums for each output */
    struct row_plan *row_plan;   /* for single rows with AVX-512, or NULL */
    struct row_bytes *row_bytes; /* the same with AVX2 or NEON */
    struct sliced_bits *bits;    /* what ways have that walk over bits, or NULL */
    size_t group; /* trees that several blocks walk in turn while they are in the cache */
};

/* Whether a tree is walked to sliced.walked levels and the others are looked up. A single one is
 * not: its latency is seen, as that of several in a row with others between is not. */
static inline bool sliced_looks_up(const struct sliced *sliced, const struct sliced_tree *tree)
{
    return tree->levels > sliced->walked + 1;
}

/* NULL without an error where the ensemble is none that bytes serve; see cuts_plan. */
struct sliced *sliced_make(const struct ensemble *ensemble, const struct sliced_way *way,
                           struct lathe_error *error);
void sliced_free(struct sliced *sliced);

/* Lays out what walk_bits.h walks: all trees are then to be walked at once. */
bool sliced_bits_make(struct sliced *sliced, struct lathe_error *error);
void sliced_bits_free(struct sliced_bits *bits);

/* Lays out the lookups and the steps above them. */
bool sliced_part_trees(struct sliced *sliced, struct lathe_error *error);

/* A block on its way: rows, their codes, and for each output BLOCK_ROWS sums. */
struct row_block {
    const struct row_source *source;
    size_t first, count;
    bool more; /* it is full, and as many rows follow that are not yet cut */
    int8_t *columns;
    uint16_t *codes; /* where there are sets, see sliced_sets_code */
    float *sums;
    void *masks; /* of a group of trees, see walk_bits.h */
};

/* How an instruction set does it. Columns and sums are aligned to 64 bytes. */
struct sliced_way {
    enum forest_path path;
    uint32_t most_tests; /* categorical splits of a level that is still taken whole */
    bool planes;         /* looks leaves up in planes */
    bool (*lay)(struct sliced *sliced,
                struct lathe_error *error); /* what it has besides; or NULL */
    void (*cut)(const struct cut_plan *plan, const struct row_block *block, size_t features);
    /* adds the trees from first up to last to the sums */
    void (*add_trees)(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                      size_t last, const struct row_block *block);
    /* margins of one row; where the forest has what that needs, else sliced_row's own way */
    void (*row)(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                float *out);
    const uint8_t *places; /* where in their 64 sums 64 rows are; NULL: in their own places */
};

/* Codes of a feature's values, of which there are a multiple of what the coder takes at once, in
 * its columns of a block. */
typedef void category_coder(const struct category_feature *feature, const float *values,
                            size_t count, int8_t *columns);

/* A block's codes of categories by a coder that takes `vector` values at once. */
void categories_code_block(const struct category_plan *plan, const struct row_block *block,
                           size_t vector, category_coder *code);

extern const struct sliced_way sliced_word;
#if TARGET_X86
extern const struct sliced_way sliced_avx2, sliced_avx512;
void cuts_block_avx512(const struct cut_plan *plan, const struct row_block *block, size_t features);
void cuts_block_avx2(const struct cut_plan *plan, const struct row_block *block, size_t features);
void categories_code_avx2(const struct category_plan *plan, const struct row_block *block);
#elif TARGET_NEON
extern const struct sliced_way sliced_neon;
bool cuts_lay_neon(struct cut_plan *plan, struct lathe_error *error);
void cuts_block_neon(const struct cut_plan *plan, const struct row_block *block, size_t features);
void categories_code_neon(const struct category_plan *plan, const struct row_block *block);
#endif

/* Margins of `count` rows from `first` on. False where there is no memory for the blocks'
 * columns. */
bool sliced_margins(const struct sliced *sliced, const struct ensemble *ensemble,
                    const struct row_source *source, size_t first, size_t count, float *out);

/* What a tree adds to an output for a row that leaves the full tree at leaf `number`: that leaf's
 * value, or in a deep tree the one to which the plain walk leads from there. */
float sliced_leaf(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                  size_t output, uint32_t number, const struct row_source *source, size_t row);

/* Fewer rows than these are faster one by one than as a block that is mostly empty. */
size_t sliced_few_rows(const struct sliced *sliced);

/* Margins of one row, for low latency. False where there is no memory for the row's codes. */
bool sliced_row(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                float *out);

#if TARGET_X86
/* The same with AVX-512, where row_plan_make found that it can (sliced->row_plan). */
bool row_plan_make(struct sliced *sliced, struct lathe_error *error);
void row_plan_free(struct row_plan *plan);
void sliced_row_avx512(const struct sliced *sliced, const struct ensemble *ensemble,
                       const float *row, float *out);

void sliced_row_avx2(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                     float *out);
#elif TARGET_NEON
void sliced_row_neon(const struct sliced *sliced, const struct ensemble *ensemble, const float *row,
                     float *out);
#endif

#if TARGET_X86 || TARGET_NEON
/* Lays out what sliced_row_avx2 and sliced_row_neon walk, where it finds that they can: then there
 * is sliced->row_bytes. */
bool row_bytes_make(struct sliced *sliced, struct lathe_error *error);
void row_bytes_free(struct row_bytes *plan);
#endif

enum { ROW_TREES = 16 };

/* Adds the leaves that one row reaches in `count` trees (at most ROW_TREES, best about so many)
 * from `first` on to its margins. */
void sliced_add_row(const struct sliced *sliced, const struct ensemble *ensemble, size_t first,
                    size_t count, const uint32_t *numbers, const float *row, float *out);

/* Lays out what is below the full trees, and lists its splits, whose steps come after the others;
 * and takes those steps once they are planned. */
bool sliced_deep_lay(struct sliced *sliced, const struct ensemble *ensemble,
                     struct split_list *splits, struct lathe_error *error);
void sliced_deep_step(struct sliced *sliced);
void sliced_deep_clear(struct sliced_deep *deep);

/* From each of `count` nodes, a multiple of ABREAST and at most BLOCK_ROWS, its row on to a leaf,
 * at most `levels` below. Where there are sets, these are nodes of theirs, and `rows` say where in
 * block->codes a row's begin; else they are deep nodes, and rows those of block->columns. */
void sliced_walk_on(const struct sliced *sliced, const struct row_block *block, uint32_t levels,
                    const uint32_t *rows, size_t count, int32_t *nodes);

/* What the leaf there adds to an output; `output` counts where leaves are vectors. */
static inline float sliced_found(const struct sliced *sliced, const struct ensemble *ensemble,
                                 int32_t node, size_t output)
{
    float leaf = sliced->sets ? sliced->sets->nodes[node].leaf : sliced->deep.more[node].leaf;
    if (!ensemble->vector_leaves)
        return leaf;
    uint32_t number =
        sliced->sets ? sliced->sets->nodes[node].number : sliced->deep.more[node].number;
    return ensemble->leaves[(size_t)number * ensemble->outputs + output];
}

/* A deep tree's leaves for the `unit` rows (or fewer, at the block's end) from `first` on, which
 * left the full tree at the leaves `numbers`. */
void sliced_add_deep(const struct sliced *sliced, const struct ensemble *ensemble, size_t tree,
                     const struct row_block *block, size_t first, size_t unit,
                     const uint8_t *numbers, const uint8_t *places);

#endif
