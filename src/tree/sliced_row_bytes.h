/* sliced_row_bytes.h: how a forest is laid out for single rows by vectors of bytes, where a row's
 * codes fit the tables that a vector's bytes are looked up in (up to 64 bands); walk_row.h walks
 * it.
 *
 * Size: 200 bytes a tree, 512 more where trees have 7 or 8 levels, and 1,088 a band. */
#ifndef LATHE_TREE_SLICED_ROW_BYTES_H
#define LATHE_TREE_SLICED_ROW_BYTES_H

#include "parse/target.h"
#include "tree/sliced.h"

enum {
    UPPER = 6,
    NODES = 1 << UPPER,
    UNIT = 4,   /* trees whose lower levels are taken together */
    LANES = 8,  /* bands that are cut together */
    CUTS = 256, /* room for a band's cuts */
    SIXTEEN = 16,
    ROOM = 64, /* for bands */
};

/* Where a node's code is, and whether missing values go right. By NEON one look-up reaches all 64
 * codes, by AVX2 two tables of 16, each of which gives 0 for a byte whose highest bit is set. */
struct node_place {
    uint8_t first; /* by AVX2 the place in the first and third table; by NEON the band */
    uint8_t
        second;    /* by AVX2 the place in the other two; by NEON all ones where missing go right */
    uint8_t lower; /* in the levels below the upper ones, where there is no second */
};

#if TARGET_NEON
enum { MISSING_RIGHT = 0x40 };

static inline struct node_place node_place(size_t band, bool missing_right)
{
    return (struct node_place){(uint8_t)band, missing_right ? 0xFF : 0,
                               (uint8_t)(band | (missing_right ? MISSING_RIGHT : 0))};
}
#else
/* The place in a table is in a byte's lower 4 bits. */
enum { SECOND = 0x80, UPPER_TWO = 0x20, MISSING_RIGHT = 0x40 };

static inline struct node_place node_place(size_t band, bool missing_right)
{
    uint8_t first = (uint8_t)(band % 16 + (band & 16 ? SECOND : 0) + (band & 32 ? UPPER_TWO : 0) +
                              (missing_right ? MISSING_RIGHT : 0));
    return (struct node_place){first, first ^ SECOND, first};
}
#endif

/* The node at place 8 s + i is number i of subtree s; at 8 s + 7 number s of the upper seven. A row
 * goes right whose code is above `least`, both signed. */
struct upper {
    uint8_t first[NODES], second[NODES];
    int8_t least[NODES];
};

/* A node of the seventh level and its children. */
struct lower {
    uint8_t first[4];
    int8_t least[4];
};

/* Bands side by side. */
struct lanes {
    _Alignas(32) float every[SIXTEEN - 1][LANES]; /* [i][lane]: of a band's cuts the 16 i + 15th */
    int32_t features[LANES];
    int32_t there[LANES]; /* -1 where there is a band; all 0 unless of consecutive features */
};

struct row_bytes {
    struct upper *upper;
    struct lower *lower; /* NODES a tree; NULL where no tree has more than 6 levels */
    size_t *leaves;      /* where each tree's begin in sliced.leaves */
    struct lanes *lanes;
    float *cuts; /* CUTS a band, the rest of them NaN */
    size_t bands;
    uint8_t subtree[128]; /* eight times the subtree that the upper seven outcomes lead to */
    uint8_t leaf[128];    /* the leaf, of 8, that a subtree's seven do */
};

/* A row's bands: less 128 how many of their cuts are at or below its value, and all ones where it
 * has none. */
struct row_codes {
    _Alignas(32) int8_t codes[ROOM];
    _Alignas(32) uint8_t missing[ROOM];
    bool some; /* are missing */
};

#endif
