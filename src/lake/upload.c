/* Multipart uploads and their parts, as rows. */
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "lake/layout.h"

void lake_upload_free(struct lake_upload *upload)
{
    if (!upload)
        return;
    g_free(upload->id);
    g_free(upload->bucket);
    g_free(upload->key);
    g_free(upload->content_type);
    json_decref(upload->headers);
    json_decref(upload->tags);
    json_decref(upload->lock);
    g_free(upload->file);
    g_free(upload);
}

void lake_part_free(struct lake_part *part)
{
    if (!part)
        return;
    g_free(part->md5);
    g_free(part->checksum);
    g_free(part->file);
    g_free(part);
}

static void free_upload(void *upload)
{
    lake_upload_free(upload);
}

static void free_part(void *part)
{
    lake_part_free(part);
}

/* ---- uploads ---- */

static bool insert_upload(struct store_connection *connection, void *data, GError **error)
{
    const struct lake_upload *upload = data;
    g_autofree char *headers = lake_json_column(upload->headers);
    g_autofree char *tags = lake_json_column(upload->tags);
    g_autofree char *lock = lake_json_column(upload->lock);
    return lake_require_bucket(connection, upload->bucket, error) &&
           store_run(connection, error,
                     "INSERT INTO lake_upload (id, bucket, key, initiated, content_type, headers, "
                     "tags, checksum, full_object, file, part_size, lock) "
                     "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?)",
                     "sssdssssiss", upload->id, upload->bucket, upload->key, upload->initiated,
                     upload->content_type, headers, tags, checksum_name(upload->checksum),
                     (gint64)upload->full_object, upload->file, lock);
}

bool lake_upload_create(struct lake *lake, struct lake_upload *upload, GError **error)
{
    if (!lake_check_key(upload->key, error))
        return false;
    /* Ids of one key sort by the time of their start, as S3 lists them. */
    g_autofree char *mark = id_word(32);
    upload->id =
        g_strdup_printf("%012" G_GINT64_MODIFIER "x%s", (gint64)(clock_now() * 1000), mark);
    upload->initiated = lake_now();
    upload->file = lake_new_id(lake);
    return store_write(lake->store, insert_upload, upload, error);
}

struct upload_query {
    const char *id; /* of one upload; else those of a bucket */
    const char *bucket, *prefix, *after_key, *after_id;
    size_t limit;
    GPtrArray *found;
};

static struct lake_upload *upload_of_row(struct store_rows *row)
{
    struct lake_upload *upload = g_new0(struct lake_upload, 1);
    upload->id = store_text_copy(row, 0);
    upload->bucket = store_text_copy(row, 1);
    upload->key = store_text_copy(row, 2);
    upload->initiated = store_double(row, 3);
    upload->content_type = store_text_copy(row, 4);
    upload->headers = lake_column_json(row, 5);
    upload->tags = lake_column_json(row, 6);
    checksum_from_name(store_text(row, 7), &upload->checksum);
    upload->full_object = store_int(row, 8);
    upload->file = store_text_copy(row, 9);
    upload->part_size = store_int(row, 10);
    upload->lock = lake_column_json(row, 11);
    return upload;
}

#define UPLOAD_COLUMNS                                                                       \
    "id, bucket, key, initiated, content_type, headers, tags, checksum, full_object, file, " \
    "part_size, lock"

static bool read_uploads(struct store_connection *connection, void *data, GError **error)
{
    const struct upload_query *query = data;
    if (!query->id && !lake_require_bucket(connection, query->bucket, error))
        return false;
    struct store_rows *row =
        store_ask(connection, error,
                  query->id ? "SELECT " UPLOAD_COLUMNS " FROM lake_upload WHERE id = ?"
                            : "SELECT " UPLOAD_COLUMNS " FROM lake_upload WHERE bucket = ?1 AND "
                              "key >= ?2 AND (key, id) > (?3, ?4) ORDER BY key, id",
                  query->id ? "s" : "ssss", query->id ? query->id : query->bucket, query->prefix,
                  query->after_key ? query->after_key : "", query->after_id ? query->after_id : "");
    enum store_step step = row ? STORE_END : STORE_FAILED;
    while (query->found->len < query->limit && (step = store_next(row, error)) == STORE_ROW) {
        g_autoptr(lake_upload_auto) upload = upload_of_row(row);
        if (!query->id && !g_str_has_prefix(upload->key, query->prefix))
            break;
        g_ptr_array_add(query->found, g_steal_pointer(&upload));
    }
    store_end(row);
    return step != STORE_FAILED;
}

struct lake_upload *lake_upload_get(struct lake *lake, const char *bucket, const char *key,
                                    const char *id, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_upload);
    struct upload_query query = {.id = id, .limit = 1, .found = found};
    if (!store_read(lake->store, read_uploads, &query, error))
        return NULL;
    const struct lake_upload *upload = found->len ? g_ptr_array_index(found, 0) : NULL;
    if (upload && strcmp(upload->bucket, bucket) == 0 && strcmp(upload->key, key) == 0)
        return g_ptr_array_steal_index(found, 0);
    error_set(error, ERROR_NO_SUCH_UPLOAD,
              "The specified upload does not exist: %s of s3://%s/%s. The upload ID may be "
              "invalid, or the upload may have been aborted or completed.",
              id, bucket, key);
    return NULL;
}

GPtrArray *lake_upload_list(struct lake *lake, const char *bucket, const char *prefix,
                            const char *after_key, const char *after_id, size_t limit,
                            GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_upload);
    struct upload_query query = {NULL,  bucket, prefix ? prefix : "", after_key, after_id,
                                 limit, found};
    return store_read(lake->store, read_uploads, &query, error) ? g_steal_pointer(&found) : NULL;
}

/* ---- parts ---- */

struct lake_draft *lake_part_receive(struct lake *lake, const struct lake_upload *upload,
                                     int number, struct stream *body, unsigned kinds,
                                     GError **error)
{
    struct lake_place place;
    g_autofree char *id = NULL;
    struct layout *layout =
        layout_enter(lake, upload->id, number, stream_length(body), &place, &id, error);
    if (!layout)
        return NULL;
    struct lake_draft *draft = lake_receive_at(lake, body, kinds, &place, error);
    if (draft) {
        draft->layout = layout;
        draft->part = number;
    } else {
        layout_leave(lake, layout, number, place.shared, false);
    }
    return draft;
}

struct part_change {
    const char *upload;
    const struct lake_part *part;
    const char *file; /* the layout's, where the part is in it */
    gint64 part_size;
    char *replaced; /* out: a file that only the earlier part of this number had */
};

static bool find_replaced(struct store_connection *connection, struct part_change *change,
                          GError **error)
{
    struct store_rows *row = store_ask(
        connection, error, "SELECT file FROM lake_part WHERE upload = ? AND number = ? AND alone",
        "si", change->upload, (gint64)change->part->number);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW)
        change->replaced = store_text_copy(row, 0);
    store_end(row);
    return step != STORE_FAILED;
}

static bool upload_is_there(struct store_connection *connection, const char *id, GError **error)
{
    struct store_rows *row =
        store_ask(connection, error, "SELECT 1 FROM lake_upload WHERE id = ?", "s", id);
    enum store_step step = store_next(row, error);
    store_end(row);
    return step == STORE_ROW ||
           (step == STORE_END && error_set(error, ERROR_NO_SUCH_UPLOAD,
                                           "the upload %s was aborted or completed meanwhile", id));
}

static bool put_part(struct store_connection *connection, void *data, GError **error)
{
    struct part_change *change = data;
    const struct lake_part *part = change->part;
    /* Commits of parts may come in another order than their layouts changed; those only grow. */
    return upload_is_there(connection, change->upload, error) &&
           find_replaced(connection, change, error) &&
           store_run(connection, error,
                     "INSERT OR REPLACE INTO lake_part (upload, number, size, md5, checksum, "
                     "modified, file, offset, alone) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "siissdsii", change->upload, (gint64)part->number, part->size, part->md5,
                     part->checksum, part->modified, part->file, part->offset,
                     (gint64)part->alone) &&
           (!change->file ||
            store_run(connection, error,
                      "UPDATE lake_upload SET file = ?, part_size = ? "
                      "WHERE id = ? AND part_size < ?",
                      "sisi", change->file, change->part_size, change->upload, change->part_size));
}

struct lake_part *lake_part_commit(struct lake *lake, const struct lake_upload *upload, int number,
                                   struct lake_draft *draft, const char *checksum, GError **error)
{
    if (!lake_draft_sync(draft, error))
        return NULL;
    g_autoptr(lake_part_auto) part = g_new0(struct lake_part, 1);
    part->number = number;
    part->size = draft->size;
    part->md5 = lake_draft_md5(draft);
    part->checksum = g_strdup(checksum);
    part->modified = lake_now();
    part->file = g_strdup(draft->id);
    part->offset = draft->offset;
    part->alone = !draft->shared;
    struct part_change change = {.upload = upload->id, .part = part};
    g_autofree char *file =
        draft->shared ? layout_file(lake, draft->layout, &change.part_size) : NULL;
    change.file = file;
    bool committed = store_write(lake->store, put_part, &change, error);
    if (committed) {
        draft->kept = true;
        if (change.replaced)
            lake_remove_id(lake, change.replaced);
    }
    g_free(change.replaced);
    return committed ? g_steal_pointer(&part) : NULL;
}

struct part_query {
    const char *upload;
    int after;
    size_t limit;
    GPtrArray *found;
};

static bool read_parts(struct store_connection *connection, void *data, GError **error)
{
    const struct part_query *query = data;
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT number, size, md5, checksum, modified, file, offset, alone "
                  "FROM lake_part WHERE upload = ? AND number > ? ORDER BY number LIMIT ?",
                  "sii", query->upload, (gint64)query->after, (gint64)query->limit);
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW) {
        struct lake_part *part = g_new0(struct lake_part, 1);
        part->number = (int)store_int(row, 0);
        part->size = store_int(row, 1);
        part->md5 = store_text_copy(row, 2);
        part->checksum = store_text_copy(row, 3);
        part->modified = store_double(row, 4);
        part->file = store_text_copy(row, 5);
        part->offset = store_int(row, 6);
        part->alone = store_int(row, 7);
        g_ptr_array_add(query->found, part);
    }
    return step == STORE_END;
}

GPtrArray *lake_part_list(struct lake *lake, const struct lake_upload *upload, int after,
                          size_t limit, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_part);
    struct part_query query = {upload->id, after, limit, found};
    return store_read(lake->store, read_parts, &query, error) ? g_steal_pointer(&found) : NULL;
}
