/* select.h: a compiled statement under way. */
#ifndef LATHE_QUERY_SELECT_H
#define LATHE_QUERY_SELECT_H

#include "query/query_inside.h"
#include "query/resolve.h"

struct selection {
    struct query_run *run;
    struct resolver *resolver;
    struct sql_statement *statement;
    store_work *finish;
    void *data;
};

/* "COLUMN_NOT_FOUND: line 1:8: ..."; false. */
bool select_fail(const struct sql_error *fault, GError **error);
/* What the statement reads, as the engine takes it. */
json_t *select_relations(struct selection *selection, GError **error);
/* Runs it with a result of that form, which it takes: the engine's reply. */
json_t *select_ask(struct selection *selection, json_t *result, GError **error);
/* The table that it is to make or to write to; NULL where there is none. */
bool select_find_target(const struct selection *selection, json_t **table, GError **error);

/* The result's columns, beside the object of which output is the place. */
bool select_add_metadata(struct query_run *run, struct lake_batch *batch, const char *output,
                         GError **error);

/* Lines as <id>.txt: the result, in a column of that name (NULL: none). */
bool select_store_lines(struct selection *selection, const char *column, GString *lines,
                        GError **error);

bool explain_statement(struct selection *selection, GError **error);

/* CREATE TABLE AS, INSERT, UNLOAD */
bool write_table(struct selection *selection, GError **error);
bool write_rows(struct selection *selection, GError **error);
bool write_unload(struct selection *selection, GError **error);

#endif
