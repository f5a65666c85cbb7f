/* lake_s3.h: the part of the lake's face that only S3's own operations need: puts in two steps,
 * pages of listings, multipart uploads, tags. */
#ifndef LATHE_LAKE_LAKE_S3_H
#define LATHE_LAKE_LAKE_S3_H

#include "base/checksum.h"
#include "lake/lake.h"

/* S3's limits. */
#define LAKE_KEY_LIMIT 1024                 /* bytes */
#define LAKE_OBJECT_LIMIT ((gint64)5 << 40) /* bytes of an object */
#define LAKE_PUT_LIMIT ((gint64)5 << 30)    /* bytes of one put, copy or part */
#define LAKE_PART_MINIMUM ((gint64)5 << 20) /* bytes of a part that is not the last */
#define LAKE_PARTS_LIMIT 10000

/* ---- puts: bytes first, then the object ---- */

/* Bytes that are in the lake and not yet an object. */
struct lake_draft;

/* Takes the body's bytes, at most LAKE_PUT_LIMIT. Their MD5 is always computed, and beside it the
 * checksums of `kinds`, bits of 1u << enum checksum_kind. */
struct lake_draft *lake_receive(struct lake *lake, struct stream *body, unsigned kinds,
                                GError **error);
/* The same bytes as an object's, without rewriting them: a second name of its file. They are read
 * (and MD5 and kinds computed) only where kinds is not 0. */
struct lake_draft *lake_draft_of(struct lake *lake, const struct lake_object *object,
                                 unsigned kinds, GError **error);
gint64 lake_draft_size(const struct lake_draft *draft);
char *lake_draft_md5(const struct lake_draft *draft); /* hex; g_free */
char *lake_draft_checksum(const struct lake_draft *draft, enum checksum_kind kind); /* base64 */
/* Gives the bytes up, unless they became an object. */
void lake_draft_free(struct lake_draft *draft);
typedef struct lake_draft lake_draft_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_draft_auto, lake_draft_free)

/* What an object is beside its bytes. Borrowed; NULL where there is nothing to say. */
struct lake_entry {
    const char *bucket, *key;
    const char *etag; /* NULL: the draft's MD5 */
    const char *content_type;
    const json_t *headers, *tags, *parts; /* as in struct lake_object */
    /* As in struct lake_object; with NULL (or no Mode) the bucket's default retention holds.
     * ERROR_INVALID_REQUEST where the bucket has no object lock. */
    const json_t *lock;
    /* Conditions on the object that is there at the moment of the change, as in HTTP:
     * ERROR_PRECONDITION_FAILED (ERROR_NO_SUCH_KEY: if_match, and there is none). */
    const char *if_match, *if_none_match;
};

/* Makes the draft an object: durable and visible, both or neither. */
struct lake_object *lake_commit(struct lake *lake, struct lake_draft *draft,
                                const struct lake_entry *entry, GError **error);

/* Whether an If-Match list ("a", "b" or *) names the ETag, which has no quotes. */
bool lake_etag_matches(const char *list, const char *etag);

/* ---- objects ---- */

/* lake_stat without a file made of what is kept in a row: `file` may be NULL, `bytes` is not read.
 * With body, the object's bytes too, which stay readable if it is replaced meanwhile. */
struct lake_object *lake_find(struct lake *lake, const char *bucket, const char *key,
                              struct stream **body, GError **error);
/* The same of a version (NULL: the current one). ERROR_NO_SUCH_VERSION;
 * ERROR_METHOD_NOT_ALLOWED where that version is a delete marker. Where a delete marker is why
 * there is nothing to give, *marker is that (it may be NULL). */
struct lake_object *lake_find_version(struct lake *lake, const char *bucket, const char *key,
                                      const char *version, struct stream **body,
                                      struct lake_object **marker, GError **error);

/* Changes what of an object may change, its tags, its lock and the grants among its headers, in one
 * change with what it was: `change` sets these of the object that it gets, or refuses. Gives the
 * object as it then is.
 */
typedef bool lake_changer(struct lake_object *object, const void *data, GError **error);
struct lake_object *lake_change(struct lake *lake, const char *bucket, const char *key,
                                const char *version, lake_changer *change, const void *data,
                                GError **error);

/* What a delete asks of the object that is there; zero what is not asked. */
struct lake_delete_conditions {
    const char *if_match;
    const gint64 *size;
    const double *modified;
};
/* One of the objects that are to be deleted, and what became of it. */
struct lake_deletion {
    const char *key;
    const char *version; /* NULL: the current object, which a versioned bucket keeps, and covers
                          * with a delete marker */
    struct lake_delete_conditions conditions;
    bool bypass; /* retention in GOVERNANCE mode does not hold */

    char *gone;    /* out: the version that was deleted, or the delete marker's; NULL where the
                    * bucket has none */
    bool marker;   /* out: that is a delete marker */
    GError *error; /* out: why this one could not be deleted: ERROR_ACCESS_DENIED (locked),
                    * ERROR_PRECONDITION_FAILED */
};
void lake_deletion_clear(struct lake_deletion *deletion);
/* Deletes with one commit; missing ones are no error. */
bool lake_delete_all(struct lake *lake, const char *bucket, struct lake_deletion *deletions,
                     size_t count, GError **error);

/* ---- versions and locks ---- */

/* "Enabled" or "Suspended". ERROR_INVALID_BUCKET_STATE: objects that are locked keep versions. */
bool lake_set_versioning(struct lake *lake, const char *bucket, const char *versioning,
                         GError **error);
/* {} or the default retention. ERROR_INVALID_BUCKET_STATE where the bucket keeps no versions. */
bool lake_set_lock(struct lake *lake, const char *bucket, const json_t *lock, GError **error);
/* Whether retention in this mode, or a hold, keeps the object now; bypass: GOVERNANCE does not. */
bool lake_is_locked(const struct lake_object *object, bool bypass);

/* ---- settings of buckets ---- */

/* Creates a bucket together with its settings: an object of documents by name, or NULL. locks: it
 * keeps versions, and its objects may be locked, from its first moment on. */
bool lake_bucket_create_with(struct lake *lake, const char *name, const char *region,
                             const json_t *settings, bool locks, GError **error);

/* What a bucket was told: an object under a name, kept and given back. The lake acts on none of
 * them. NULL without an error where there is none; ERROR_NO_SUCH_BUCKET. */
json_t *lake_setting(struct lake *lake, const char *bucket, const char *name, GError **error);
/* All of a bucket's, by name: an object of them. */
json_t *lake_settings(struct lake *lake, const char *bucket, GError **error);
/* document NULL removes it. */
bool lake_set_setting(struct lake *lake, const char *bucket, const char *name,
                      const json_t *document, GError **error);

/* ---- pages of listings ---- */

struct lake_query {
    const char *prefix;    /* NULL: all */
    const char *delimiter; /* NULL: no folding */
    const char *after;     /* NULL: from the start; a key, or a common prefix with all below it */
    size_t limit;
};

/* Objects (as lake_find gives them) and common prefixes (char *) in one order of bytes; limit
 * counts both. next is where the following page starts (`after`), NULL on the last one. */
struct lake_page {
    GPtrArray *objects, *prefixes;
    char *next;
};
void lake_page_clear(struct lake_page *page);
bool lake_list_page(struct lake *lake, const char *bucket, const struct lake_query *query,
                    struct lake_page *page, GError **error);

/* ---- pages of versions ---- */

/* Versions and delete markers (as struct lake_object) by key, the newest of each first, and common
 * prefixes: like lake_list_page, where `after_version` goes on within the key `after`, whether that
 * version is still there or not. next_version is NULL where next is a common prefix. */
struct lake_versions_query {
    struct lake_query query;
    const char *after_version;
};
struct lake_versions_page {
    struct lake_page page;
    char *next_version;
};
void lake_versions_page_clear(struct lake_versions_page *page);
bool lake_list_versions(struct lake *lake, const char *bucket,
                        const struct lake_versions_query *query, struct lake_versions_page *page,
                        GError **error);

/* ---- multipart uploads ---- */

struct lake_upload {
    char *id, *bucket, *key;
    double initiated;
    char *content_type;
    json_t *headers, *tags;
    json_t *lock;                /* that the object is to have; as in struct lake_entry */
    enum checksum_kind checksum; /* of what the parts carry */
    bool full_object; /* the object's checksum is of all its bytes, not of its parts' checksums */
    char *file;       /* the id of the file where parts have their final place */
    gint64 part_size; /* the distance between parts there; 0: not known yet */
};
void lake_upload_free(struct lake_upload *upload);
typedef struct lake_upload lake_upload_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_upload_auto, lake_upload_free)

struct lake_part {
    int number; /* 1 .. LAKE_PARTS_LIMIT */
    gint64 size;
    char *md5;      /* hex */
    char *checksum; /* base64, or NULL */
    double modified;
    char *file; /* where its bytes are: the file's id, and from which offset */
    gint64 offset;
    bool alone; /* the file holds nothing else */
};
void lake_part_free(struct lake_part *part);
typedef struct lake_part lake_part_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(lake_part_auto, lake_part_free)

/* Starts an upload: bucket, key, content_type, headers, tags and checksum of `upload` are given;
 * its id, initiated and file are set. */
bool lake_upload_create(struct lake *lake, struct lake_upload *upload, GError **error);
/* ERROR_NO_SUCH_UPLOAD, also where it belongs to another key. */
struct lake_upload *lake_upload_get(struct lake *lake, const char *bucket, const char *key,
                                    const char *id, GError **error);
/* Receives a part's bytes, like lake_receive; then makes them the part of that number, in place of
 * an earlier one, checksum being its base64 text or NULL. In any order, several at once. */
struct lake_draft *lake_part_receive(struct lake *lake, const struct lake_upload *upload,
                                     int number, struct stream *body, unsigned kinds,
                                     GError **error);
struct lake_part *lake_part_commit(struct lake *lake, const struct lake_upload *upload, int number,
                                   struct lake_draft *draft, const char *checksum, GError **error);
/* The parts after a number, in order, at most limit. */
GPtrArray *lake_part_list(struct lake *lake, const struct lake_upload *upload, int after,
                          size_t limit, GError **error);
/* Makes an object of these parts (as lake_part_list gave them, in order). entry says the rest.
 * ERROR_INVALID_PART where one of them was replaced meanwhile: the list of parts tells by what. */
struct lake_object *lake_upload_complete(struct lake *lake, const struct lake_upload *upload,
                                         GPtrArray *parts, const struct lake_entry *entry,
                                         GError **error);
bool lake_upload_abort(struct lake *lake, const struct lake_upload *upload, GError **error);
/* Uploads whose keys start with prefix, in order of key and start, after (key, upload id) where
 * given; at most limit. */
GPtrArray *lake_upload_list(struct lake *lake, const char *bucket, const char *prefix,
                            const char *after_key, const char *after_id, size_t limit,
                            GError **error);

#endif
