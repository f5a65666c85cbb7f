/* Files that become objects together, in one commit. */
#include <unistd.h>

#include "base/file.h"
#include "lake/lake_inside.h"

/* Small files wait in memory, up to so many bytes of them; what comes then stays in files. */
#define HELD_LIMIT (16 << 20)

/* A file on its way; its bytes are on the disk, their name in the lake's folder not yet. */
struct member {
    struct lake_draft *draft;
    struct lake_entry entry;
    char *bucket, *key, *path; /* what the entry points to, and where the file was */
    json_t *headers;
    struct lake_object *object;
    char *replaced; /* the file of the object that it takes the place of */
};

struct lake_batch {
    struct lake *lake;
    GPtrArray *members;
    gint64 held;      /* bytes of members that wait in memory */
    store_work *work; /* of lake_batch_commit_with */
    void *data;
};

static void free_member(void *data)
{
    struct member *member = data;
    lake_draft_free(member->draft);
    lake_object_free(member->object);
    json_decref(member->headers);
    g_free(member->bucket);
    g_free(member->key);
    g_free(member->path);
    g_free(member->replaced);
    g_free(member);
}

struct lake_batch *lake_batch_new(struct lake *lake)
{
    struct lake_batch *batch = g_new0(struct lake_batch, 1);
    batch->lake = lake;
    batch->members = g_ptr_array_new_with_free_func(free_member);
    return batch;
}

void lake_batch_free(struct lake_batch *batch)
{
    if (!batch)
        return;
    g_ptr_array_unref(batch->members);
    g_free(batch);
}

static struct member *member_new(struct lake_draft *draft, const char *bucket, const char *key,
                                 const char *path)
{
    struct member *member = g_new0(struct member, 1);
    member->draft = draft;
    member->bucket = g_strdup(bucket);
    member->key = g_strdup(key);
    member->path = g_strdup(path);
    member->headers = lake_own_headers(draft);
    member->entry = (struct lake_entry){
        .bucket = member->bucket, .key = member->key, .headers = member->headers};
    return member;
}

bool lake_batch_add(struct lake_batch *batch, const char *bucket, const char *key, const char *path,
                    GError **error)
{
    g_autoptr(lake_draft_auto) draft = NULL;
    if (lake_check_key(key, error))
        draft = lake_draft_adopt(batch->lake, path, 1u << CHECKSUM_CRC64NVME,
                                 batch->held < HELD_LIMIT, error);
    if (!draft || !lake_draft_sync_bytes(draft, error)) {
        g_prefix_error(error, "storing the file %s: ", path);
        return false;
    }
    if (draft->fd >= 0) { /* else as many would be open as there are files */
        close(draft->fd);
        draft->fd = -1;
    }
    batch->held += draft->small ? draft->size : 0;
    g_ptr_array_add(batch->members, member_new(g_steal_pointer(&draft), bucket, key, path));
    return true;
}

static bool put_all(struct store_connection *connection, void *data, GError **error)
{
    const struct lake_batch *batch = data;
    for (guint i = 0; i < batch->members->len; i++) {
        struct member *member = g_ptr_array_index(batch->members, i);
        if (!lake_put_row(connection, member->draft, &member->entry, member->object,
                          &member->replaced, error)) {
            g_prefix_error(error, "storing the file %s: ", member->path);
            return false;
        }
    }
    return !batch->work || batch->work(connection, batch->data, error);
}

bool lake_batch_commit(struct lake_batch *batch, GError **error)
{
    return !batch->members->len || lake_batch_commit_with(batch, NULL, NULL, error);
}

bool lake_batch_commit_with(struct lake_batch *batch, store_work *work, void *data, GError **error)
{
    batch->work = work;
    batch->data = data;
    bool names = false;
    for (guint i = 0; i < batch->members->len; i++) {
        struct member *member = g_ptr_array_index(batch->members, i);
        member->object = lake_object_of_entry(member->draft, &member->entry);
        names |= !member->draft->small;
    }
    if ((names && !file_sync_folder(batch->lake->folder, error)) ||
        !store_write(batch->lake->store, put_all, batch, error))
        return false;
    for (guint i = 0; i < batch->members->len; i++) {
        struct member *member = g_ptr_array_index(batch->members, i);
        member->draft->kept = true;
        if (member->replaced)
            lake_remove(batch->lake, g_steal_pointer(&member->replaced));
        unlink(member->path);
    }
    g_ptr_array_set_size(batch->members, 0);
    batch->held = 0;
    return true;
}

bool lake_put_file(struct lake *lake, const char *bucket, const char *key, const char *path,
                   GError **error)
{
    g_autoptr(lake_batch_auto) batch = lake_batch_new(lake);
    return lake_batch_add(batch, bucket, key, path, error) && lake_batch_commit(batch, error);
}
