/* lake.h: buckets and objects. An object is an immutable file named by an id under lake/, and a row
 * of the index in meta.db that is committed after the file's fsync: what is listed is on the disk,
 * and what a crash left half-written is never seen. */
#ifndef LATHE_LAKE_LAKE_H
#define LATHE_LAKE_LAKE_H

#include "base/json.h"
#include "base/stream.h"
#include "store/store.h"

struct lake;

/* Before the store is opened: false where the database is missing or empty while the lake's folder,
 * or the database's log, says that there was one; the error says how to go on. */
bool lake_check_home(const char *database, const char *folder, GError **error);

/* Opens the lake in folder (created where missing). Fails where the folder is another database's.
 * Files there that no row names and that this database once made are moved aside, to
 * "aside/<day>", by a thread of its own, and removed by lake_tidy. Files for jobs of what is kept
 * in rows are made in "cache/objects" beside the folder. The store must outlive the lake. */
struct lake *lake_open(struct store *store, const char *folder, GError **error);
void lake_close(struct lake *lake);

/* Removes what has grown old by `now` (seconds since 1970): what has lain aside for seven days, and
 * files of the cache that were not asked for as long, or are more than 4 GiB. */
void lake_tidy(struct lake *lake, double now);

/* ---- buckets ---- */

struct lake_bucket {
    char *name;
    char *region;
    double created;
    char *versioning; /* "Enabled" or "Suspended"; NULL: it never kept versions */
    json_t *lock;   /* of object lock: {} or the default retention, {Mode, Days or Years}; NULL: its
                     * objects cannot be locked */
    bool lifecycle; /* it has a setting of that name */
};
void lake_bucket_free(struct lake_bucket *bucket);
typedef struct lake_bucket lake_bucket_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_bucket_auto, lake_bucket_free)

/* ERROR_INVALID_BUCKET_NAME, or ERROR_BUCKET_OWNED_BY_YOU where it is there. */
bool lake_bucket_create(struct lake *lake, const char *name, const char *region, GError **error);
/* ERROR_NO_SUCH_BUCKET. */
struct lake_bucket *lake_bucket_get(struct lake *lake, const char *name, GError **error);
/* ERROR_BUCKET_NOT_EMPTY where objects, versions or delete markers are in it; uploads under way are
 * given up. */
bool lake_bucket_delete(struct lake *lake, const char *name, GError **error);
/* All buckets in order of their names, as struct lake_bucket that the array frees. */
GPtrArray *lake_bucket_list(struct lake *lake, GError **error);

/* ---- objects, as rooms above use them; S3's own operations find more in lake_s3.h ---- */

struct lake_object {
    char *bucket, *key;
    gint64 size;
    char *etag;         /* without quotes: MD5 in hex, or "<md5 of md5s>-<parts>" */
    char *content_type; /* NULL: not given */
    double modified;
    json_t *headers; /* what comes back with it, under botocore's names: Metadata, CacheControl,
                      * ChecksumCRC32, ChecksumType ... Never NULL, never to be changed */
    json_t *tags;    /* an object of texts, or NULL */
    json_t *parts;   /* of a multipart object: [size, checksum or null] a part; else NULL */
    char *file;      /* the path of the immutable file; may be linked, never written */
    char *id;        /* of these bytes: a new one whenever the object is replaced */
    gint64 row;      /* of the bytes, where they are small and kept in meta.db; else 0 */
    GBytes *bytes;   /* those, where they were read with the object; else NULL */

    bool versioned; /* its bucket keeps versions, or once did: replies name them */
    bool lifecycle; /* its bucket has a lifecycle: replies say when it expires */
    char *version;  /* "null": it was put while the bucket kept none */
    gint64 number;  /* orders the versions of a key; 0 in buckets that never kept any */
    bool marker;    /* a delete marker: what a listing of versions also tells */
    bool latest;    /* in such a listing: the key's current version */
    json_t *lock;   /* {Mode, Until (seconds), Hold}, each where it is set; or NULL */
};
void lake_object_free(struct lake_object *object);
typedef struct lake_object lake_object_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_object_auto, lake_object_free)

/* ERROR_NO_SUCH_BUCKET or ERROR_NO_SUCH_KEY where there is none. */
struct lake_object *lake_stat(struct lake *lake, const char *bucket, const char *key,
                              GError **error);
/* The object's bytes. Where it was replaced or deleted since it was looked up: those, or
 * ERROR_NO_SUCH_KEY. */
struct stream *lake_get(struct lake *lake, const struct lake_object *object, GError **error);
GBytes *lake_get_bytes(struct lake *lake, const char *uri, size_t limit, GError **error);

/* Stores the stream's bytes; on the disk when it returns. */
bool lake_put(struct lake *lake, const char *bucket, const char *key, struct stream *body,
              const char *content_type, GError **error);
/* The same for a file: moved (or linked) into the lake where it is on the same disk. The file is
 * gone from its place afterwards. */
bool lake_put_file(struct lake *lake, const char *bucket, const char *key, const char *path,
                   GError **error);

/* The same for many files, with one commit to wait for: all are there after it or none, and what
 * was added is left in its place where it never comes. */
struct lake_batch;
struct lake_batch *lake_batch_new(struct lake *lake);
bool lake_batch_add(struct lake_batch *batch, const char *bucket, const char *key, const char *path,
                    GError **error);
bool lake_batch_commit(struct lake_batch *batch, GError **error);
/* The same with a change of the store's own that happens together with it or not at all; also where
 * nothing was added. */
bool lake_batch_commit_with(struct lake_batch *batch, store_work *work, void *data, GError **error);
void lake_batch_free(struct lake_batch *batch);
typedef struct lake_batch lake_batch_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_batch_auto, lake_batch_free)

/* Makes the object's bytes a file at path (which must not exist) that its user only reads: a hard
 * link to the immutable file where that can be, of mode 0400, else a copy. Jobs' channels are made
 * of these. */
bool lake_link(struct lake *lake, const struct lake_object *object, const char *path,
               GError **error);

/* Objects whose keys start with prefix, in order of their keys (bytes): an array of
 * struct lake_object that frees them. Empty where none does; ERROR_NO_SUCH_BUCKET. */
GPtrArray *lake_list(struct lake *lake, const char *bucket, const char *prefix, GError **error);

bool lake_delete(struct lake *lake, const char *bucket, const char *key, GError **error);

#endif
