/* Objects as rooms above use them: whole bodies in, files with paths out. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/s3_uri.h"
#include "lake/cache.h"
#include "lake/lake_inside.h"

/* ---- files of what is kept in rows ---- */

/* Gives the object a file if it has none; lake_list's objects are there without their bytes. */
static bool ensure_file(struct lake *lake, struct lake_object *object, GError **error)
{
    return object->file || (object->file = cache_file(lake, object, error));
}

struct lake_object *lake_stat(struct lake *lake, const char *bucket, const char *key,
                              GError **error)
{
    /* With its bytes in hand, a small object that is replaced meanwhile still gets its file. */
    g_autoptr(stream_auto) body = NULL;
    g_autoptr(lake_object_auto) object = lake_find(lake, bucket, key, &body, error);
    return object && ensure_file(lake, object, error) ? g_steal_pointer(&object) : NULL;
}

/* Pages keep each snapshot short, so that the store's log can be emptied during a long listing. */
enum { LIST_PAGE = 1000 };

GPtrArray *lake_list(struct lake *lake, const char *bucket, const char *prefix, GError **error)
{
    g_autoptr(GPtrArray) all = NULL;
    g_autofree char *after = NULL;
    do {
        struct lake_query query = {.prefix = prefix, .after = after, .limit = LIST_PAGE};
        struct lake_page page;
        if (!lake_list_page(lake, bucket, &query, &page, error))
            return NULL;
        g_free(after);
        after = g_steal_pointer(&page.next);
        if (all)
            g_ptr_array_extend_and_steal(all, g_steal_pointer(&page.objects));
        else
            all = g_steal_pointer(&page.objects);
        lake_page_clear(&page);
    } while (after);
    for (guint i = 0; i < all->len;) {
        g_autoptr(GError) failure = NULL;
        if (ensure_file(lake, g_ptr_array_index(all, i), &failure)) {
            i++;
        } else if (g_error_matches(failure, LATHE_ERROR, ERROR_NO_SUCH_KEY)) {
            g_ptr_array_remove_index(all, i); /* deleted since it was listed */
        } else {
            g_propagate_error(error, g_steal_pointer(&failure));
            return NULL;
        }
    }
    return g_steal_pointer(&all);
}

GBytes *lake_get_bytes(struct lake *lake, const char *uri, size_t limit, GError **error)
{
    g_autofree char *bucket = NULL;
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &bucket, &key, error))
        return NULL;
    g_autoptr(stream_auto) body = NULL;
    g_autoptr(lake_object_auto) object = lake_find(lake, bucket, key, &body, error);
    if (!object)
        return NULL;
    GBytes *bytes = stream_read_all(body, limit, error);
    if (!bytes)
        g_prefix_error(error, "reading %s: ", uri);
    return bytes;
}

/* ---- putting ---- */

bool lake_put(struct lake *lake, const char *bucket, const char *key, struct stream *body,
              const char *content_type, GError **error)
{
    g_autoptr(lake_draft_auto) draft = lake_receive(lake, body, 1u << CHECKSUM_CRC64NVME, error);
    if (!draft)
        return false;
    g_autoptr(json_auto) headers = lake_own_headers(draft);
    struct lake_entry entry = {
        .bucket = bucket, .key = key, .content_type = content_type, .headers = headers};
    g_autoptr(lake_object_auto) object = lake_commit(lake, draft, &entry, error);
    return object != NULL;
}

/* ---- links ---- */

static bool copy_object(struct lake *lake, const struct lake_object *object, const char *path,
                        GError **error)
{
    g_autoptr(stream_auto) body = lake_get(lake, object, error);
    if (!body)
        return false;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(error, errno, "creating %s", path);
    char block[65536];
    gssize n;
    while ((n = stream_read(body, block, sizeof block, error)) > 0)
        if (!file_write_all(fd, block, (size_t)n, error))
            break;
    close(fd);
    return n == 0;
}

bool lake_link(struct lake *lake, const struct lake_object *object, const char *path,
               GError **error)
{
    struct stat status;
    if (stat(object->file, &status) == 0 && status.st_size != object->size)
        return error_set(error, ERROR_INTERNAL,
                         "the file of s3://%s/%s was cut: it has %" G_GINT64_FORMAT
                         " of %" G_GINT64_FORMAT " bytes",
                         object->bucket, object->key, (gint64)status.st_size, object->size);
    if (link(object->file, path) == 0) { /* its mode is that of the lake's file, not the link's */
        if (chmod(path, 0400) == 0)
            return true;
        error_set_errno(error, errno, "making %s read-only", path);
        unlink(path);
        return false;
    }
    if (errno == EEXIST)
        return error_set(error, ERROR_VALIDATION,
                         "%s/%s: there is already an object that would be the file %s",
                         object->bucket, object->key, path);
    return copy_object(lake, object, path, error); /* another disk, too many links, replaced */
}
