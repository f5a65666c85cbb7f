#include "table/duckdb_library.h"

#include "base/library.h"

static const struct library_symbol symbols[] = {
#define DUCKDB_SYMBOL(type, name, arguments) \
    {"duckdb_" #name, offsetof(struct duckdb_library, name)},
    DUCKDB_FUNCTIONS(DUCKDB_SYMBOL)
#undef DUCKDB_SYMBOL
};

bool duckdb_library_load(struct duckdb_library *library, GError **error)
{
    g_autofree char *path = library_find("LATHE_DUCKDB_LIBRARY", "duckdb/libduckdb.so", error);
    return path && library_load(path, symbols, G_N_ELEMENTS(symbols), library, "DuckDB 1.4", error);
}

static const struct duckdb_library *of_engine;

const struct duckdb_library *duckdb_library_of_engine(void)
{
    return of_engine;
}

void duckdb_library_set_engine(const struct duckdb_library *library)
{
    of_engine = library;
}
