/* labels.h: texts and their indices, for StringIndexer and its like.
 *
 * An open hash over the first eight bytes, the length and, only for longer texts, the rest: the
 * categories of real data are short, and finding one then compares two integers. */
#ifndef LATHE_CSV_LABELS_H
#define LATHE_CSV_LABELS_H

#include "csv/reader.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct labels;

/* An empty table; NULL where there is no memory. */
struct labels *labels_new(void);
void labels_free(struct labels *labels);

enum { LABELS_FULL = -1 }; /* no memory, or more than INT32_MAX labels */

/* The index of the text, which is copied and gets the next free index where it is new. */
int32_t labels_add(struct labels *labels, struct csv_text text);

/* The index of the text, or -1. Its bytes must not be NULL. */
int32_t labels_find(const struct labels *labels, struct csv_text text);

/* The index of each text, or -1: missing or unknown. Returns whether all are known. */
bool labels_find_all(const struct labels *labels, const struct csv_text *texts, size_t count,
                     double *out);

/* Adds what is new among the texts (those missing, and those at a row where skipped is set, are
 * passed over) and counts them all. False: LABELS_FULL. */
bool labels_tally(struct labels *labels, const struct csv_text *texts, size_t count,
                  const unsigned char *skipped);

/* How often labels_tally met the label. */
uint64_t labels_met(const struct labels *labels, size_t index);

size_t labels_count(const struct labels *labels);

/* index < labels_count; lives as long as the table. Terminated. */
struct csv_text labels_text(const struct labels *labels, size_t index);

#endif
