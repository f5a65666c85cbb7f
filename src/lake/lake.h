/* lake.h: buckets and objects. An object is an immutable file named by an id under lake/, and a row
 * of the index in meta.db that is committed after the file's fsync: what is listed is on the disk,
 * and what a crash left half-written is never seen. */
#ifndef LATHE_LAKE_LAKE_H
#define LATHE_LAKE_LAKE_H

#include "base/json.h"
#include "base/stream.h"
#include "store/store.h"

struct lake;

/* Opens the lake in folder (created where missing) and collects files that no row names. */
struct lake *lake_open(struct store *store, const char *folder, GError **error);
void lake_close(struct lake *lake);

/* --- objects, as rooms above use them; S3's own operations find more in lake_s3.h ------------- */

struct lake_object {
    char *bucket, *key;
    gint64 size;
    char *etag;         /* without quotes: MD5 in hex, or "<md5 of md5s>-<parts>" */
    char *content_type; /* NULL: not given */
    double modified;
    json_t *headers; /* what was sent to come back: Metadata, CacheControl, checksums ... */
    char *file;      /* the path of the immutable file */
};
void lake_object_free(struct lake_object *object);
typedef struct lake_object lake_object_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_object_auto, lake_object_free)

/* Splits "s3://bucket/key/with/slashes"; key may come out "". g_free both. */
bool lake_parse_uri(const char *uri, char **bucket, char **key, GError **error);

/* ERROR_NO_SUCH_BUCKET or ERROR_NO_SUCH_KEY where there is none. */
struct lake_object *lake_stat(struct lake *lake, const char *bucket, const char *key,
                              GError **error);
/* The object's bytes. */
struct stream *lake_get(struct lake *lake, const struct lake_object *object, GError **error);
GBytes *lake_get_bytes(struct lake *lake, const char *uri, size_t limit, GError **error);

/* Stores the stream's bytes; on the disk when it returns. */
bool lake_put(struct lake *lake, const char *bucket, const char *key, struct stream *body,
              const char *content_type, GError **error);
/* The same for a file: moved (or linked) into the lake where it is on the same disk. The file is
 * gone from its place afterwards. */
bool lake_put_file(struct lake *lake, const char *bucket, const char *key, const char *path,
                   GError **error);

/* Makes the object's bytes a file at path (which must not exist) that its user only reads: a hard
 * link to the immutable file where that can be, else a copy. Jobs' channels are made of these. */
bool lake_link(struct lake *lake, const struct lake_object *object, const char *path,
               GError **error);

/* Objects whose keys start with prefix, in order of their keys (bytes): an array of
 * struct lake_object that frees them. Empty where none does; ERROR_NO_SUCH_BUCKET. */
GPtrArray *lake_list(struct lake *lake, const char *bucket, const char *prefix, GError **error);

bool lake_delete(struct lake *lake, const char *bucket, const char *key, GError **error);

#endif
