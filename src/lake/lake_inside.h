/* lake_inside.h: between the files of this room. */
#ifndef LATHE_LAKE_LAKE_INSIDE_H
#define LATHE_LAKE_LAKE_INSIDE_H

#include <pthread.h>

#include "lake/lake_s3.h"

struct lake {
    struct store *store;
    char *folder; /* of the files: <folder>/<id> */
    char *cache;  /* of files made from rows: <cache>/<id> */
    char run[9];  /* the last digits of every id made since lake_open */

    pthread_mutex_t lock; /* of layouts */
    GHashTable *layouts;  /* upload id -> struct layout, of uploads that parts come to now */

    struct tasks *remover;   /* unlinks files that are to go */
    struct tasks *collector; /* looks, once, for files that no row names */
    _Atomic bool closing;    /* the collector is to end */
};

/* Objects of up to so many bytes live in meta.db, in the commit that makes them visible: one fsync
 * for all puts that wait, where files cost two each. Above it, writing bytes twice (to the log,
 * then to the database) costs more than that saves. */
#define LAKE_SMALL_LIMIT ((size_t)64 << 10)

char *lake_new_id(const struct lake *lake);
char *lake_path(const struct lake *lake, const char *id);
char *lake_cache_path(const struct lake *lake, const char *id);
/* Removes a file that no row names any more, soon: a large one takes a quarter of a second, which
 * no caller should wait for. Readers that have it open keep it. Takes the path. */
void lake_remove(struct lake *lake, char *path);
void lake_remove_id(struct lake *lake, const char *id);

/* ---- bytes (draft.c) ---- */

struct lake_draft {
    struct lake *lake;
    gint64 size;
    unsigned kinds; /* of digests that are there */
    unsigned char digests[CHECKSUM_KINDS][CHECKSUM_LONGEST];
    char *etag; /* of a copy: its source's, where MD5 was not computed */
    char *id;
    GBytes *small;         /* the bytes, where they are few; no file then */
    int fd;                /* else their file's, or -1 where it is known to be on the disk */
    gint64 offset;         /* where in the file they begin */
    bool shared;           /* the file is not the draft's alone: a part in its final place */
    bool kept;             /* a row names it */
    struct layout *layout; /* of a part that was received: what lake_draft_free leaves */
    int part;
};

/* The file that bytes go into even if they are few. */
struct lake_place {
    const char *id;
    gint64 offset;
    bool shared; /* others write other stretches of it */
};
struct lake_draft *lake_receive_at(struct lake *lake, struct stream *body, unsigned kinds,
                                   const struct lake_place *place, GError **error);
/* A file that is somewhere else: linked into the lake where it can be, else copied. in_row: whether
 * one of few bytes becomes a row, which waits in memory. */
struct lake_draft *lake_draft_adopt(struct lake *lake, const char *path, unsigned kinds,
                                    bool in_row, GError **error);
/* An empty draft with a file of its own to be filled. */
struct lake_draft *lake_draft_new_file(struct lake *lake, GError **error);
/* Puts the draft's file on the disk, its name in the folder too. */
bool lake_draft_sync(struct lake_draft *draft, GError **error);
/* The bytes alone. */
bool lake_draft_sync_bytes(struct lake_draft *draft, GError **error);

/* The headers of an object that we put ourselves: the checksum that S3 gives one that came without.
 * The draft has been received with CHECKSUM_CRC64NVME. */
json_t *lake_own_headers(const struct lake_draft *draft);

/* ---- rows (object.c) ---- */

/* The columns that lake_object_of_row reads, in order. */
#define LAKE_OBJECT_COLUMNS                                                              \
    "bucket, key, file, row, size, etag, content_type, modified, headers, tags, parts, " \
    "version, number, lock"
struct lake_object *lake_object_of_row(const struct lake *lake, struct store_rows *row);
/* ERROR_NO_SUCH_BUCKET where it is not there. */
bool lake_require_bucket(struct store_connection *connection, const char *bucket, GError **error);
/* ERROR_KEY_TOO_LONG and the like. */
bool lake_check_key(const char *key, GError **error);
/* The object that a draft is to become; its row and time are set by lake_put_row. */
struct lake_object *lake_object_of_entry(const struct lake_draft *draft,
                                         const struct lake_entry *entry);
/* Inside a change: puts the object's row, in place of an earlier one; the path of that one's file
 * comes out in `replaced` (NULL: none), to be removed after the commit. The draft's small bytes go
 * with it; object's row and modified are set. */
bool lake_put_row(struct store_connection *connection, const struct lake_draft *draft,
                  const struct lake_entry *entry, struct lake_object *object, char **replaced,
                  GError **error);
/* Within changes: all of a bucket's settings (setting.c). */
bool lake_put_settings(struct store_connection *connection, const char *bucket,
                       const json_t *settings, GError **error);
bool lake_drop_settings(struct store_connection *connection, const char *bucket, GError **error);
/* The current object's row, or that of a version; NULL where there is none. The version may be a
 * delete marker, the current object never is. */
bool lake_read_row(const struct lake *lake, struct store_connection *connection, const char *bucket,
                   const char *key, const char *version, struct lake_object **object,
                   GError **error);
/* The same, or an error that says why there is none to give; *marker: as lake_find_version's. */
struct lake_name {
    const char *bucket, *key, *version; /* NULL: the current one */
};
bool lake_find_row(const struct lake *lake, struct store_connection *connection,
                   const struct lake_name *name, struct lake_object **object,
                   struct lake_object **marker, GError **error);
/* Puts the row into lake_object, or into lake_version where it is a delete marker. */
bool lake_insert_row(struct store_connection *connection, const struct lake_object *object,
                     GError **error);
/* Removes the bytes of a row that goes away, or gives the path of the file that goes with it: its
 * own, or the one that may have been made of its bytes. */
bool lake_drop_bytes(const struct lake *lake, struct store_connection *connection,
                     const struct lake_object *object, char **file, GError **error);
/* ERROR_PRECONDITION_FAILED and its kin; there: NULL where there is no object. */
bool lake_check_conditions(const struct lake_object *there, const char *bucket, const char *key,
                           const char *if_match, const char *if_none_match, GError **error);

/* ---- versions (version.c): within changes ---- */

#define LAKE_NULL_VERSION "null"

/* What a bucket does with what is put into it. */
struct lake_rules {
    bool versioned, suspended; /* it keeps versions, or did; it does not now */
    json_t *lock;              /* as in struct lake_bucket */
    bool lifecycle;
};
/* Of a row of lake_bucket. */
#define LAKE_HAS_LIFECYCLE                                                    \
    "EXISTS (SELECT 1 FROM lake_setting WHERE bucket = lake_bucket.name AND " \
    "lake_setting.name = 'LifecycleConfiguration')"
void lake_rules_clear(struct lake_rules *rules);
/* ERROR_NO_SUCH_BUCKET. */
bool lake_read_rules(struct store_connection *connection, const char *bucket,
                     struct lake_rules *rules, GError **error);

/* Makes way for `object`, which becomes the key's newest version, and gives it its version: `there`
 * (the current object, or NULL) is kept as an older one, or goes, as an older version "null" does
 * where the new one takes its place. *file: that of what went, or NULL. */
bool lake_make_way(const struct lake *lake, struct store_connection *connection,
                   const struct lake_rules *rules, const struct lake_object *there,
                   struct lake_object *object, char **file, GError **error);
/* Removes the row of a version for good; the one before it becomes current where it was. */
bool lake_drop_version(struct store_connection *connection, const struct lake_object *object,
                       GError **error);
/* The newest of a key's older versions and delete markers, or NULL. */
bool lake_read_top(const struct lake *lake, struct store_connection *connection, const char *bucket,
                   const char *key, struct lake_object **object, GError **error);
/* The lock that an object gets which is put with `given`; NULL for none. */
bool lake_choose_lock(const struct lake_rules *rules, const json_t *given, double now,
                      json_t **lock, GError **error);

/* Where the listing goes on that gave a version which is gone. */
gint64 lake_version_number(const char *version);

/* ---- listings (list.c, list_versions.c) ---- */

void lake_page_init(struct lake_page *page);
/* Where a key belongs to a common prefix: its length, else 0. */
size_t lake_fold(const struct lake_query *query, const char *key);
/* Past every key that begins so: no UTF-8 text has a byte 0xFF. */
char *lake_past(const char *prefix);
/* Where the scan starts: after the last item of the page before, which may be a common prefix. */
char *lake_list_start(const struct lake_query *query);

/* ---- columns ---- */

/* JSON as a column's text, NULL for NULL; g_free. And back. */
char *lake_json_column(const json_t *value);
json_t *lake_column_json(struct store_rows *row, int column);
/* The time of a change: the next whole second, so that it is the same in listings (ISO 8601) and
 * headers (HTTP dates), and never before the modification time of the file that was uploaded. */
double lake_now(void);

#endif
