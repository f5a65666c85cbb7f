/* The end of a multipart upload: an object of its parts, or nothing. */
#define _GNU_SOURCE /* copy_file_range */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "lake/layout.h"

/* ---- ending an upload ---- */

struct ending {
    const char *upload;
    struct lake_draft *draft; /* NULL: the upload is aborted */
    GPtrArray *parts;         /* that the draft was made of */
    const struct lake_entry *entry;
    struct lake_object *object;
    char *replaced;   /* out */
    GPtrArray *files; /* out: ids of the upload's files */
};

static bool find_files(struct store_connection *connection, struct ending *ending, GError **error)
{
    struct store_rows *row = store_ask(connection, error,
                                       "SELECT file FROM lake_upload WHERE id = ?1 UNION "
                                       "SELECT file FROM lake_part WHERE upload = ?1",
                                       "s", ending->upload);
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW)
        g_ptr_array_add(ending->files, store_text_copy(row, 0));
    if (step != STORE_END)
        return false;
    return ending->files->len ||
           error_set(error, ERROR_NO_SUCH_UPLOAD,
                     "The specified upload does not exist: %s. It may have been aborted or "
                     "completed.",
                     ending->upload);
}

static bool is_replaced(GError **error, const char *upload, int number)
{
    return error_set(error, ERROR_INVALID_PART,
                     "part %d of the upload %s was replaced while the upload was completed", number,
                     upload);
}

/* Whether the parts are still those that the draft was made of. One that was sent again with the
 * same bytes is. */
static bool parts_stand(struct store_connection *connection, const char *upload, GPtrArray *parts,
                        GError **error)
{
    struct store_rows *row = store_ask(
        connection, error, "SELECT number, md5 FROM lake_part WHERE upload = ? ORDER BY number",
        "s", upload);
    guint found = 0;
    enum store_step step;
    while ((step = store_next(row, error)) == STORE_ROW) {
        const struct lake_part *part = found < parts->len ? parts->pdata[found] : NULL;
        if (part && store_int(row, 0) == part->number && strcmp(store_text(row, 1), part->md5) == 0)
            found++;
    }
    if (step != STORE_END || found == parts->len)
        return step == STORE_END;
    return is_replaced(error, upload, ((const struct lake_part *)parts->pdata[found])->number);
}

static bool end_upload(struct store_connection *connection, void *data, GError **error)
{
    struct ending *ending = data;
    return find_files(connection, ending, error) &&
           (!ending->parts || parts_stand(connection, ending->upload, ending->parts, error)) &&
           (!ending->draft || lake_put_row(connection, ending->draft, ending->entry, ending->object,
                                           &ending->replaced, error)) &&
           store_run(connection, error, "DELETE FROM lake_part WHERE upload = ?", "s",
                     ending->upload) &&
           store_run(connection, error, "DELETE FROM lake_upload WHERE id = ?", "s",
                     ending->upload);
}

static bool run_ending(struct lake *lake, struct ending *ending, GError **error)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func(g_free);
    ending->files = files;
    bool ended = store_write_spare(lake->store, end_upload, ending, error);
    if (ended) {
        const char *kept = ending->draft ? ending->draft->id : "";
        for (guint i = 0; i < files->len; i++)
            if (strcmp(g_ptr_array_index(files, i), kept) != 0)
                lake_remove_id(lake, g_ptr_array_index(files, i));
    }
    if (ended && ending->replaced)
        lake_remove(lake, ending->replaced);
    else
        g_free(ending->replaced);
    return ended;
}

bool lake_upload_abort(struct lake *lake, const struct lake_upload *upload, GError **error)
{
    struct ending ending = {.upload = upload->id};
    return run_ending(lake, &ending, error);
}

/* ---- putting parts together ---- */

/* Copies within the kernel, sharing blocks where the file system can. */
static bool copy_bytes(int from, gint64 from_offset, int to, gint64 to_offset, gint64 size,
                       GError **error)
{
    off_t in = from_offset, out = to_offset;
    while (size) {
        ssize_t n = copy_file_range(from, &in, to, &out, (size_t)size, 0);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return error_set_errno(error, n ? errno : EIO,
                                   "putting the parts of an upload "
                                   "together");
        size -= n;
    }
    return true;
}

static bool copy_part(struct lake *lake, const struct lake_part *part, int to, gint64 offset,
                      GError **error)
{
    g_autofree char *path = lake_path(lake, part->file);
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        return error_set_errno(error, errno, "opening part %d of an upload", part->number);
    bool copied = copy_bytes(from, part->offset, to, offset, part->size, error);
    close(from);
    return copied;
}

/* Whether the upload's file can become the object's: every part that is in it belongs to the
 * object and is in its place. Parts in files of their own can then be added without overwriting
 * what another attempt to complete might want. */
static bool parts_are_in_place(const char *file, GPtrArray *all, GPtrArray *wanted)
{
    guint in_file = 0, in_place = 0;
    for (guint i = 0; i < all->len; i++)
        in_file += strcmp(((const struct lake_part *)g_ptr_array_index(all, i))->file, file) == 0;
    gint64 offset = 0;
    for (guint i = 0; i < wanted->len; i++) {
        const struct lake_part *part = g_ptr_array_index(wanted, i);
        in_place += strcmp(part->file, file) == 0 && part->offset == offset;
        offset += part->size;
    }
    return in_file > 0 && in_file == in_place;
}

/* The first part that is no longer where it was, or gone. */
static const struct lake_part *find_replaced(GPtrArray *all, GPtrArray *wanted)
{
    guint next = 0;
    for (guint i = 0; i < wanted->len; i++) {
        const struct lake_part *part = wanted->pdata[i], *there = NULL;
        while (next < all->len && (there = all->pdata[next])->number < part->number)
            next++;
        if (next == all->len || there->number != part->number ||
            strcmp(there->file, part->file) != 0)
            return part;
    }
    return NULL;
}

/* The upload's file, opened to be completed. */
static struct lake_draft *draft_of_layout(struct lake *lake, const char *file, GError **error)
{
    g_autoptr(lake_draft_auto) draft = g_new0(struct lake_draft, 1);
    draft->lake = lake;
    draft->id = g_strdup(file);
    draft->shared = true;
    g_autofree char *path = lake_path(lake, file);
    draft->fd = open(path, O_WRONLY | O_CLOEXEC);
    if (draft->fd < 0) {
        error_set_errno(error, errno, "opening the file of an upload, %s", path);
        return NULL;
    }
    return g_steal_pointer(&draft);
}

static struct lake_draft *assemble(struct lake *lake, const char *file, bool quiet, GPtrArray *all,
                                   GPtrArray *wanted, GError **error)
{
    bool in_place = quiet && parts_are_in_place(file, all, wanted);
    g_autoptr(lake_draft_auto) draft =
        in_place ? draft_of_layout(lake, file, error) : lake_draft_new_file(lake, error);
    if (!draft)
        return NULL;
    for (guint i = 0; i < wanted->len; i++) {
        const struct lake_part *part = g_ptr_array_index(wanted, i);
        bool there = in_place && strcmp(part->file, file) == 0;
        if (!there && !copy_part(lake, part, draft->fd, draft->size, error))
            return NULL;
        draft->size += part->size;
    }
    if (ftruncate(draft->fd, draft->size) != 0) {
        error_set_errno(error, errno, "cutting the file of an upload to its size");
        return NULL;
    }
    return lake_draft_sync(draft, error) ? g_steal_pointer(&draft) : NULL;
}

/* Why parts could not be read, where the lake is whole: who ended the upload meanwhile, or replaced
 * one of them, removed it. Takes failure. */
static void explain(struct lake *lake, const struct lake_upload *upload, GPtrArray *wanted,
                    GError *failure, GError **error)
{
    g_autoptr(lake_upload_auto) there =
        lake_upload_get(lake, upload->bucket, upload->key, upload->id, error);
    g_autoptr(GPtrArray) all =
        there ? lake_part_list(lake, upload, 0, LAKE_PARTS_LIMIT, error) : NULL;
    const struct lake_part *part = all ? find_replaced(all, wanted) : NULL;
    if (part)
        is_replaced(error, upload->id, part->number);
    else if (all)
        g_propagate_error(error, g_steal_pointer(&failure));
    g_clear_error(&failure);
}

static struct lake_object *complete(struct lake *lake, const struct lake_upload *upload,
                                    struct layout *layout, bool quiet, GPtrArray *wanted,
                                    const struct lake_entry *entry, GError **error)
{
    gint64 part_size;
    g_autofree char *file = layout_file(lake, layout, &part_size);
    g_autoptr(GPtrArray) all = lake_part_list(lake, upload, 0, LAKE_PARTS_LIMIT, error);
    GError *failure = NULL;
    g_autoptr(lake_draft_auto) draft =
        all ? assemble(lake, file, quiet, all, wanted, &failure) : NULL;
    if (failure)
        explain(lake, upload, wanted, failure, error);
    if (!draft)
        return NULL;
    g_autoptr(lake_object_auto) object = lake_object_of_entry(draft, entry);
    struct ending ending = {
        .upload = upload->id, .draft = draft, .parts = wanted, .entry = entry, .object = object};
    if (!run_ending(lake, &ending, error))
        return NULL;
    draft->kept = true;
    fchmod(draft->fd, 0400); /* as the others: nobody writes to it by mistake */
    return g_steal_pointer(&object);
}

struct lake_object *lake_upload_complete(struct lake *lake, const struct lake_upload *upload,
                                         GPtrArray *parts, const struct lake_entry *entry,
                                         GError **error)
{
    bool quiet;
    struct layout *layout = layout_close(lake, upload->id, &quiet, error);
    if (!layout)
        return NULL;
    struct lake_object *object = complete(lake, upload, layout, quiet, parts, entry, error);
    layout_open(lake, layout, quiet);
    return object;
}
