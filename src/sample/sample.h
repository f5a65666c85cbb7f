/* sample.h: made-up rows with the columns, the formats and the statistics of well-known data sets,
 * so that examples and demonstrations need no download. */
#ifndef LATHE_SAMPLE_SAMPLE_H
#define LATHE_SAMPLE_SAMPLE_H

#include <stdio.h>

#include "lathe.h"

struct sample_info {
    const char *name;
    const char *summary; /* one line */
};

/* The samples there are, from 0; NULL after the last. */
const struct sample_info *sample_list(size_t index);

/* Writes `rows` rows, after the header line where the real data set has one. The same name, rows
 * and seed give the same bytes on every machine. Fails with LATHE_UNSUPPORTED (no such sample; the
 * error lists them) or LATHE_IO. */
bool sample_write(const char *name, size_t rows, uint64_t seed, FILE *out,
                  struct lathe_error *error);

#endif
