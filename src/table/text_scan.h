/* text_scan.h: relations of text files as a table of DuckDB's: the function text_scan(number). */
#ifndef LATHE_TABLE_TEXT_SCAN_H
#define LATHE_TABLE_TEXT_SCAN_H

#include "table/duckdb_library.h"
#include "table/relation.h"

/* What the function's numbers mean: relations may come and go between statements. */
struct text_scan {
    const struct duckdb_library *library;
    struct relation *const *relations;
    size_t count;
};

/* The scan has to outlive the database. */
bool text_scan_register(struct text_scan *scan, void *connection, GError **error);

#endif
