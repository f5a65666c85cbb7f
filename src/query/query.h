/* query.h: statements of Athena's, from their text to their result's objects.
 *
 * A statement that begins as Hive's DDL acts on the catalog; the others are Trino's, compiled by
 * `sql`, run by DuckDB in a process of the engine's (table/engine.h). What a statement does, its
 * result and its end are one change of the store: it happened whole, or not at all. */
#ifndef LATHE_QUERY_QUERY_H
#define LATHE_QUERY_QUERY_H

#include <stdatomic.h>

#include "base/json.h"
#include "store/store.h"

struct catalog;
struct engine;
struct lake;

/* What statements work on; all of it stays its owner's and outlives them. */
struct queries {
    struct store *store;
    struct lake *lake;
    struct catalog *catalog;
    struct engine *engine;
    const char *folder; /* for what is under way; each statement has a folder of its own there */
    const atomic_bool *ends; /* true: statements are cancelled; or NULL */
};

/* A table named "t$new" is those objects of t that count as new to whoever asks. */
struct query_news {
    /* The ids (struct lake_object) of those that do: stays its owner's, until the statement ends;
     * NULL: all. False and an error. */
    bool (*find)(const char *database, const char *table, GHashTable **ids, void *data,
                 GError **error);
    /* The statement reads that one. */
    void (*read)(const char *database, const char *table, const char *id, void *data);
    void *data;
};
/* The ids (char *) of all objects of a table; NULL and an error. */
GPtrArray *query_objects(const struct queries *queries, const char *database, const char *table,
                         double now, GError **error);

struct query_request {
    const char *id;                 /* its execution's: names its result */
    const char *text;               /* one statement */
    const char *catalog, *database; /* the session's; names without theirs are looked up there */
    const char *output;             /* where results go: "s3://bucket/prefix/" */
    const char *const *parameters;  /* for its question marks, SQL texts; ends with NULL */
    gint64 scan_limit;              /* bytes that it may read; 0: no limit */
    double now;                     /* what current_timestamp says */
    struct query_stop *stop;        /* by which it is cancelled */
    const struct query_prepared *prepared;
    const struct query_news *news; /* or NULL: there are no such tables */
    void *data;                    /* for these */
};

/* Prepared statements, which their owner keeps: for EXECUTE, PREPARE and DEALLOCATE. */
struct query_prepared {
    /* Its text, g_free; NULL and an error. */
    char *(*find)(const char *name, void *data, GError **error);
    bool (*keep)(const char *name, const char *text, void *data, GError **error);
    bool (*drop)(const char *name, void *data, GError **error);
};

/* What cancels a statement, at once wherever it is: it fails with ERROR_CANCELLED. */
struct query_stop;
struct query_stop *query_stop_new(void);
void query_stop_free(struct query_stop *stop);
void query_stop_now(struct query_stop *stop);

/* How the address of a manifest ends; what comes before it and ".metadata" is its metadata's. */
#define QUERY_MANIFEST "-manifest.csv"

/* What a statement did. */
struct query_end {
    const char *type;     /* "DDL", "DML" or "UTILITY" */
    char *sub_type;       /* "SELECT", "CREATE_TABLE_AS_SELECT" ... as Athena tells it */
    char *output;         /* its result: the address of an object, or of a folder */
    char *manifest;       /* of the objects that it wrote; or NULL */
    json_t *columns;      /* of its result, as ColumnInfo has them */
    gint64 rows;          /* that it wrote; -1: it is none that writes */
    gint64 scanned;       /* bytes */
    double planning, run; /* seconds */
};
void query_end_clear(struct query_end *end);

/* The kind of a statement by its first words: `type` and `sub_type` are set. */
void query_classify(const char *text, struct query_end *end);

/* Runs it. `finish` is done in the change that makes its effects visible, and sees `end` whole.
 * Where it fails nothing of it happened, and the error's text is Athena's: "COLUMN_NOT_FOUND: line
 * 1:8:
 * ...", "FAILED: SemanticException ...". */
bool query_run(const struct queries *queries, const struct query_request *request,
               struct query_end *end, store_work *finish, void *data, GError **error);

/* Removes what statements that a crash cut off left below the folder. */
void query_clean(const struct queries *queries);

/* How Athena files an error: AthenaError's members {ErrorCategory, ErrorType, Retryable,
 * ErrorMessage}. */
json_t *query_athena_error(const GError *error);

#endif
