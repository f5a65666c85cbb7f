/* crawl.h: one crawl: what lies in the lake becomes tables of the catalog.
 *
 * It lists its targets, reads a bounded sample of each object that it has not seen, and changes
 * what of the catalog is other than what it found. It may be ended anywhere and begun again: what
 * it found is told by the objects alone. */
#ifndef LATHE_CRAWL_CRAWL_H
#define LATHE_CRAWL_CRAWL_H

#include <stdatomic.h>

#include "base/json.h"
#include "catalog/catalog.h"
#include "lake/lake.h"

struct crawl_plan {
    struct lake *lake;
    struct catalog *catalog;
    const char *crawler;         /* its name, which its tables carry */
    const char *database;        /* made where it is missing */
    const char *created_by;      /* an ARN; or NULL */
    const json_t *targets;       /* S3Targets: [{"Path", "Exclusions", "SampleSize"}] */
    const json_t *classifiers;   /* of the user's, in their order; or NULL */
    const char *table_prefix;    /* or NULL */
    const json_t *configuration; /* as Configuration has it; or NULL */
    const char *update_behavior, *delete_behavior; /* SchemaChangePolicy's; NULL: Glue's defaults */
    bool new_folders_only; /* RecrawlPolicy: folders that are in the catalog stay as they are */
    const char *memo_path; /* see memo.h */
    const atomic_bool *cancelled, *ends; /* by its user; since the server ends */
    void (*log)(const char *message, void *data);
    void *data;
};

struct crawl_counts {
    unsigned created, updated, deleted;
};
struct crawl_result {
    struct crawl_counts tables, partitions;
    unsigned read;    /* objects that were read */
    GString *refused; /* what is of a format that is not read, told by name; NULL: nothing */
};

/* ERROR_CANCELLED where it was. Else what it says is what was done, also where it fails. */
bool crawl_run(const struct crawl_plan *plan, struct crawl_result *result, GError **error);
void crawl_result_clear(struct crawl_result *result);

/* Fails where a crawler's Configuration (a JSON text) or an exclusion would not do, or is not acted
 * on. */
bool crawl_check_configuration(const char *text, GError **error);
bool crawl_check_target(const json_t *target, GError **error);

#endif
