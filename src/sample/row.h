/* row.h: rows of delimited text, with numbers written the same whatever the locale. */
#ifndef LATHE_SAMPLE_ROW_H
#define LATHE_SAMPLE_ROW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct row {
    FILE *out;
    char delimiter;
    size_t used;
    char text[512]; /* every sample's rows are far shorter */
};

void row_text(struct row *row, const char *text);

void row_integer(struct row *row, int64_t value);

/* scaled / 10^decimals with all its decimals: (row, 2981, 1) is 298.1. */
void row_decimal(struct row *row, int64_t scaled, unsigned decimals);

/* The same without zeros at the end. */
void row_shortest(struct row *row, int64_t scaled, unsigned decimals);

/* The nearest whole number, halves up. */
int64_t nearest_integer(double value);

/* Writes the row's line; false where the file cannot take it. */
bool row_end(struct row *row, const char *line_end);

#endif
