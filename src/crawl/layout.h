/* layout.h: which files make a table, and which folders its partitions.
 *
 * As Glue does: a folder below which all files have similar schemas is a table, and the folders in
 * it its partitions; one with others is looked into, and files of other kinds beside each other are
 * tables of their own. */
#ifndef LATHE_CRAWL_LAYOUT_H
#define LATHE_CRAWL_LAYOUT_H

#include "base/json.h"

struct found_file {
    const char *bucket, *key;
    gint64 size;
    int schema; /* its number */
    gint64 record_size;
    bool gzip;
};

struct found_partition {
    json_t *values;
    char *location;
};

struct found_table {
    char *location; /* "s3://bucket/folder/", or a file's */
    char *word;     /* what it is called by: the folder's name */
    json_t *schema;
    json_t *keys;          /* [{"Name", "Type"}] */
    GPtrArray *partitions; /* struct found_partition */
    gint64 files, bytes, records;
    bool gzip; /* one of its files is packed */
};
void found_table_free(void *data);
void found_partition_free(void *data);

struct layout_rules {
    bool combine; /* TableGroupingPolicy: CombineCompatibleSchemas */
    int level;    /* TableLevelConfiguration: where tables are, a bucket's own is 1; 0: anywhere */
    const json_t *(*schema)(const void *data, int number);
    const void *data;
};

/* Files of one bucket in order of their keys, all below `folder` ("" or ending with a slash). */
GPtrArray *layout_find(const char *bucket, const char *folder, GPtrArray *files,
                       const struct layout_rules *rules);

/* The partition that a folder below a table's is, by the keys that it has; NULL where it lies at
 * another depth. */
struct found_partition *layout_partition(const char *bucket, const char *table_folder,
                                         const char *folder, const json_t *keys);

#endif
