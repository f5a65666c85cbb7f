/* engine.h: SQL in DuckDB's words over files, run in warm processes (worker/workers.h). What is
 * said here was compiled (sql/sql.h): the engine does not look at it.
 *
 * A request is JSON:
 *
 *   {"Sql": "SELECT ...",            DuckDB's text, which names relations "r1", "r2" ...
 *    "Columns": [{"Name": "a", "Type": "decimal(5,2)"}],   the result's, with Trino's types
 *    "Relations": [{
 *      "Name": "r1",
 *      "Format": ENGINE_PARQUET ...,
 *      "Columns": [{"Name": "a", "Type": "bigint"}],       as the catalog or Trino spells types
 *      "Partitions": [{"Name": "year", "Type": "int"}],    behind the others
 *      "Options": {"field.delim": ","},                    the SerDe's parameters and the table's,
 * in one, as in the catalog "Files": [{"Path": "/...", "Uri": "s3://...", "Values": ["2024"],
 * "Size": 5, "Modified": 1.5}]}], "Result": {"Form": ...}}
 *
 * A file's name in Uri says how a text file is packed (.gz ...); Values are its partition's, null
 * for null, as the catalog has them. Of a relation's columns there are further ones: "$path",
 * "$file_size", "$file_modified_time" (an instant in UTC and its zone).
 *
 * Forms of the result:
 *
 *   {"Form": "rows", "Most": 1000}       into the reply: "Rows": [[...]], values as Trino's client
 *                                        protocol writes them; Most may be missing
 *   {"Form": "csv", "File": "/..."}      a new file as Athena writes results: a header, all quoted
 *   {"Form": "write", ...}               engine_write.h
 *
 * The reply is JSON:
 *
 *   {"RowCount": 2, "BytesScanned": 100, "Rows": [...], "Files": [...]}
 *   {"Error": {"Name": "DIVISION_BY_ZERO", "Message": "Division by zero"}}
 *
 * where Error is the statement's fault, in Trino's and Hive's words. That the engine itself failed
 * (a process ended, too many calls wait) is a GError of workers.h's codes. */
#ifndef LATHE_TABLE_ENGINE_H
#define LATHE_TABLE_ENGINE_H

#include "base/json.h"

#define ENGINE_DELIMITED "delimited" /* LazySimpleSerDe */
#define ENGINE_CSV "csv"             /* OpenCSVSerde */
#define ENGINE_REGEX "regex"         /* RegexSerDe */
#define ENGINE_GROK "grok"           /* Glue's GrokSerDe */
#define ENGINE_JSON "json"           /* Hive's and OpenX's JsonSerDe */
#define ENGINE_PARQUET "parquet"
#define ENGINE_AVRO "avro"

/* The format that a table's SerDe library (a Java class) reads, or NULL where none does: ORC, Ion.
 */
const char *engine_format_of(const char *serde);

struct engine;

struct engine_plan {
    /* What starts a process of the engine; NULL: this program with the verb `engine`. */
    char *const *argv;
    /* The engine's own, made where it is missing: what it cannot hold in memory, and hard links to
     * the files that a request names, so on their file system. Absolute. */
    const char *folder;
    unsigned count;   /* statements at once; 0: 2 */
    unsigned waiting; /* that may wait beside these */
    size_t memory; /* bytes that DuckDB may hold in each process; 0: a quarter of what there is, or
                      what fits */
    unsigned threads; /* of each; 0: as many as cores */
    double seconds;   /* that a statement may take; 0: no limit */
    bool warm;        /* started at once */
    void (*log)(unsigned process, const char *line, size_t size, void *data); /* may be NULL */
    void *data;
};

struct engine *engine_open(const struct engine_plan *plan, GError **error);
void engine_close(struct engine *engine);

/* How a call ended: a reply, or NULL and why. Both are borrowed. From a thread of the engine. */
typedef void engine_done(const json_t *reply, const GError *error, void *data);
/* Queues a request; its id, or 0 and an error. */
guint64 engine_submit(struct engine *engine, const json_t *request, engine_done *done, void *data,
                      GError **error);
/* Ends one that waits or runs, at once: with ERROR_CANCELLED. */
void engine_cancel(struct engine *engine, guint64 id);
/* Submits and waits: the reply, to be freed, or NULL and an error. */
json_t *engine_call(struct engine *engine, const json_t *request, GError **error);

/* What a process of the engine does: `lathe engine FOLDER MEMORY THREADS`. */
int engine_serve(const char *folder, size_t memory, unsigned threads);

#endif
