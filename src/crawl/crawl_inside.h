/* crawl_inside.h: between the files of a crawl. */
#ifndef LATHE_CRAWL_CRAWL_INSIDE_H
#define LATHE_CRAWL_CRAWL_INSIDE_H

#include "crawl/crawl.h"
#include "crawl/layout.h"
#include "crawl/memo.h"

void crawl_log(const struct crawl_plan *plan, const char *format, ...) G_GNUC_PRINTF(2, 3);
bool crawl_is_cancelled(const struct crawl_plan *plan, GError **error);

/* What a target's path names: a bucket and a folder in it ("" or "a/b/"), or one object. */
struct crawl_target {
    char *bucket, *folder;
    gint64 sample_size;    /* files of a folder that are read; 0: all */
    GPtrArray *exclusions; /* GRegex */
};
struct crawl_target *crawl_target_new(const json_t *given, GError **error);
void crawl_target_free(void *data);

/* Objects of a target that hold data, as struct lake_object, with those of lakehouse formats left
 * out and told in result->refused. */
GPtrArray *crawl_list(const struct crawl_plan *plan, const struct crawl_target *target,
                      struct crawl_result *result, GError **error);

/* The tables of the database as they are, by which a crawl is told what is new. */
struct crawl_known {
    json_t *tables;
    GHashTable *folders; /* in new_folders_only: locations of tables without keys, and partitions */
};
bool crawl_known_read(const struct crawl_plan *plan, struct crawl_known *known, GError **error);
void crawl_known_clear(struct crawl_known *known);
bool crawl_is_ours(const struct crawl_plan *plan, const json_t *table);

/* Changes the catalog so that it has these tables (struct found_table). */
bool crawl_apply(const struct crawl_plan *plan, const struct crawl_known *known, GPtrArray *tables,
                 struct crawl_result *result, GError **error);

void crawl_refuse(const struct crawl_plan *plan, struct crawl_result *result, const char *bucket,
                  const char *key, const char *format);

#endif
