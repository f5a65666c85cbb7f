/* split.h: dealing rows out to parts (train, validation and test; the folds of a cross
 * validation), in one pass, the same way every time.
 *
 * Rows are dealt in blocks of SPLIT_BLOCK: within a block every part gets its share, which of
 * the rows is drawn by the seed. So the shares hold to within a block, not only on average, and
 * stratified they hold for every label. */
#ifndef LATHE_FEATURE_SPLIT_H
#define LATHE_FEATURE_SPLIT_H

#include "csv/reader.h"
#include "lathe.h"

enum { SPLIT_PARTS = 64, SPLIT_BLOCK = 20 };

struct split;

/* shares: of each part, none negative, with a sum of 1 (to within a millionth). NULL with
 * LATHE_INVALID_DATA or LATHE_NO_MEMORY. */
struct split *split_open(const double *shares, size_t parts, uint64_t seed,
                         struct lathe_error *error);
void split_close(struct split *split);

/* Each gives the next rows their parts, from 0. Of one split only one of them is used, for all rows
 * in order; how the rows are cut into batches does not matter. */
void split_rows(struct split *split, size_t rows, uint8_t *parts);

/* The shares hold among the rows of each label. A missing label is a label. */
bool split_by_label(struct split *split, const struct csv_text *labels, size_t rows, uint8_t *parts,
                    struct lathe_error *error);
bool split_by_number(struct split *split, const double *labels, size_t rows, uint8_t *parts,
                     struct lathe_error *error);

/* All rows of a group get the same part; the shares hold among the groups, in the order in which
 * they first appear. A row without a group is a group of its own. */
bool split_by_group(struct split *split, const struct csv_text *groups, size_t rows, uint8_t *parts,
                    struct lathe_error *error);

#endif
