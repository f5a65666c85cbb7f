/* Bytes on their way into the lake: received, hashed, written to a file (or kept, where they are
 * few), and put on the disk. */
#define _GNU_SOURCE /* fallocate, sync_file_range */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "lake/hasher.h"
#include "lake/layout.h"

/* The kernel is told to start writing a file to the disk each time so much of it has come, so that
 * little is left to be done by the fsync at its end. */
#define WRITE_BACK_STRIDE ((gint64)8 << 20)

static struct lake_draft *draft_new(struct lake *lake)
{
    struct lake_draft *draft = g_new0(struct lake_draft, 1);
    draft->lake = lake;
    draft->fd = -1;
    draft->id = lake_new_id(lake);
    return draft;
}

void lake_draft_free(struct lake_draft *draft)
{
    if (!draft)
        return;
    if (draft->layout)
        layout_leave(draft->lake, draft->layout, draft->part, draft->shared, draft->kept);
    if (draft->fd >= 0)
        close(draft->fd);
    if (!draft->kept && !draft->shared && !draft->small)
        lake_remove_id(draft->lake, draft->id);
    if (draft->small)
        g_bytes_unref(draft->small);
    g_free(draft->etag);
    g_free(draft->id);
    g_free(draft);
}

static bool open_file(struct lake_draft *draft, int flags, GError **error)
{
    g_autofree char *path = lake_path(draft->lake, draft->id);
    draft->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600);
    return draft->fd >= 0 || error_set_errno(error, errno, "creating the lake's file %s", path);
}

struct lake_draft *lake_draft_new_file(struct lake *lake, GError **error)
{
    g_autoptr(lake_draft_auto) draft = draft_new(lake);
    return open_file(draft, O_EXCL, error) ? g_steal_pointer(&draft) : NULL;
}

/* Space for what is announced, so that a full disk is known before the bytes are sent. File systems
 * that cannot do so find out while writing. */
static bool reserve(struct lake_draft *draft, gint64 length, GError **error)
{
    if (length <= 0 || fallocate(draft->fd, 0, draft->offset, length) == 0)
        return true;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG)
        return error_set_errno(error, errno,
                               "making room for %" G_GINT64_FORMAT " bytes in the lake", length);
    return true;
}

static bool write_at(struct lake_draft *draft, const unsigned char *bytes, size_t size,
                     GError **error)
{
    while (size) {
        ssize_t n = pwrite(draft->fd, bytes, size, draft->offset + draft->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set_errno(error, errno, "writing a file of the lake");
        gint64 before = draft->size;
        draft->size += n;
        bytes += n;
        size -= (size_t)n;
        gint64 stride = before / WRITE_BACK_STRIDE;
        if (draft->size / WRITE_BACK_STRIDE > stride)
            sync_file_range(draft->fd, draft->offset + stride * WRITE_BACK_STRIDE,
                            WRITE_BACK_STRIDE, SYNC_FILE_RANGE_WRITE);
    }
    return true;
}

/* Reads until the buffer is full or the stream ends. */
static gssize fill(struct stream *body, unsigned char *buffer, size_t size, GError **error)
{
    size_t filled = 0;
    while (filled < size) {
        gssize n = stream_read(body, buffer + filled, size - filled, error);
        if (n < 0)
            return -1;
        if (n == 0)
            break;
        filled += (size_t)n;
    }
    return (gssize)filled;
}

static bool receive(struct lake_draft *draft, struct stream *body, struct hasher *hasher,
                    GError **error)
{
    gint64 announced = stream_length(body);
    gssize n;
    do {
        unsigned char *buffer = hasher_buffer(hasher);
        n = fill(body, buffer, HASHER_BUFFER, error);
        if (n < 0)
            return false;
        bool last = (size_t)n < HASHER_BUFFER;
        if (draft->size + n > LAKE_PUT_LIMIT)
            return error_set(error, ERROR_ENTITY_TOO_LARGE,
                             "the body is larger than the limit of one put, %" G_GINT64_FORMAT
                             " bytes; send it in parts",
                             LAKE_PUT_LIMIT);
        hasher_add(hasher, (size_t)n, last);
        if (draft->fd < 0 && last && (size_t)n <= LAKE_SMALL_LIMIT) {
            draft->small = g_bytes_new(buffer, (size_t)n);
            draft->size = n;
        } else if ((draft->fd < 0 &&
                    !(open_file(draft, O_EXCL, error) && reserve(draft, announced, error))) ||
                   !write_at(draft, buffer, (size_t)n, error)) {
            return false;
        }
    } while ((size_t)n == HASHER_BUFFER);
    if (announced >= 0 && draft->size != announced)
        return error_set(error, ERROR_INCOMPLETE_BODY,
                         "the body ended after %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes",
                         draft->size, announced);
    return true;
}

struct lake_draft *lake_receive_at(struct lake *lake, struct stream *body, unsigned kinds,
                                   const struct lake_place *place, GError **error)
{
    if (stream_length(body) > LAKE_PUT_LIMIT) {
        error_set(error, ERROR_ENTITY_TOO_LARGE,
                  "the body has %" G_GINT64_FORMAT " bytes, more than the limit of one put, "
                  "%" G_GINT64_FORMAT "; send it in parts",
                  stream_length(body), LAKE_PUT_LIMIT);
        return NULL;
    }
    g_autoptr(lake_draft_auto) draft = draft_new(lake);
    if (place) {
        g_free(draft->id);
        draft->id = g_strdup(place->id);
        draft->offset = place->offset;
        draft->shared = place->shared;
        if (!open_file(draft, place->shared ? 0 : O_EXCL, error) ||
            !reserve(draft, stream_length(body), error))
            return NULL;
    }
    draft->kinds = kinds | 1u << CHECKSUM_MD5;
    struct hasher *hasher = hasher_new(draft->kinds);
    bool received = receive(draft, body, hasher, error);
    if (received)
        hasher_finish(hasher, draft->digests);
    hasher_free(hasher);
    return received ? g_steal_pointer(&draft) : NULL;
}

struct lake_draft *lake_receive(struct lake *lake, struct stream *body, unsigned kinds,
                                GError **error)
{
    return lake_receive_at(lake, body, kinds, NULL, error);
}

bool lake_draft_sync_bytes(struct lake_draft *draft, GError **error)
{
    if (draft->fd < 0)
        return true;
    /* Read-only, so that a process that was given a link to it does not change it by mistake. */
    if ((!draft->shared && fchmod(draft->fd, 0400) != 0) || fsync(draft->fd) != 0)
        return error_set_errno(error, errno, "putting a file of the lake on the disk");
    return true;
}

bool lake_draft_sync(struct lake_draft *draft, GError **error)
{
    return draft->small ||
           (lake_draft_sync_bytes(draft, error) && file_sync_folder(draft->lake->folder, error));
}

/* ---- copies ---- */

/* Another name for the object's file; where a file system has no links, a copy. */
static bool link_file(struct lake_draft *draft, const struct lake_object *object, GError **error)
{
    g_autofree char *path = lake_path(draft->lake, draft->id);
    if (link(object->file, path) == 0)
        return true;
    if (errno == ENOENT)
        return error_set(error, ERROR_NO_SUCH_KEY, "s3://%s/%s was deleted while it was copied",
                         object->bucket, object->key);
    if (errno != EPERM && errno != EMLINK && errno != EOPNOTSUPP)
        return error_set_errno(error, errno, "linking %s to %s", object->file, path);
    g_autoptr(stream_auto) body = lake_get(draft->lake, object, error);
    if (!body)
        return false;
    g_autoptr(lake_draft_auto) copy = lake_receive(draft->lake, body, 0, error);
    if (!copy || !lake_draft_sync(copy, error))
        return false;
    char *id = draft->id; /* the copy's file goes on as the draft's */
    draft->id = copy->id;
    copy->id = id;
    return true;
}

static bool hash_stream(struct lake_draft *draft, struct stream *body, unsigned kinds,
                        GError **error)
{
    draft->kinds = kinds | 1u << CHECKSUM_MD5;
    struct hasher *hasher = hasher_new(draft->kinds);
    gssize n;
    do {
        n = fill(body, hasher_buffer(hasher), HASHER_BUFFER, error);
        if (n >= 0)
            hasher_add(hasher, (size_t)n, (size_t)n < HASHER_BUFFER);
    } while (n == (gssize)HASHER_BUFFER);
    if (n >= 0)
        hasher_finish(hasher, draft->digests);
    hasher_free(hasher);
    return n >= 0;
}

struct lake_draft *lake_draft_of(struct lake *lake, const struct lake_object *object,
                                 unsigned kinds, GError **error)
{
    g_autoptr(stream_auto) body = lake_get(lake, object, error);
    if (!body)
        return NULL;
    g_autoptr(lake_draft_auto) draft = draft_new(lake);
    if (object->row)
        draft->small = g_bytes_ref(stream_memory(body));
    else if (!link_file(draft, object, error))
        return NULL;
    draft->size = object->size;
    draft->etag = g_strdup(object->etag);
    if (kinds && !hash_stream(draft, body, kinds, error))
        return NULL;
    return g_steal_pointer(&draft);
}

struct lake_draft *lake_draft_adopt(struct lake *lake, const char *path, unsigned kinds,
                                    bool in_row, GError **error)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        error_set(error, ERROR_INTERNAL, "opening %s: %s", path,
                  fd < 0 ? g_strerror(errno) : "it is not a regular file");
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    g_autoptr(stream_auto) body = stream_from_file(fd, 0, status.st_size);
    g_autoptr(lake_draft_auto) draft = draft_new(lake);
    g_autofree char *name = lake_path(lake, draft->id);
    gint64 in_rows = in_row ? (gint64)LAKE_SMALL_LIMIT : 0;
    /* A file with other names could be changed under them. */
    if (status.st_size <= in_rows || status.st_nlink > 1 || link(path, name) != 0)
        return lake_receive(lake, body, kinds, error);
    draft->fd = dup(fd);
    draft->size = status.st_size;
    if (draft->fd < 0) {
        error_set_errno(error, errno, "opening %s", path);
        return NULL;
    }
    return hash_stream(draft, body, kinds, error) ? g_steal_pointer(&draft) : NULL;
}

gint64 lake_draft_size(const struct lake_draft *draft)
{
    return draft->size;
}

char *lake_draft_md5(const struct lake_draft *draft)
{
    if (draft->kinds & 1u << CHECKSUM_MD5)
        return checksum_hex_text(draft->digests[CHECKSUM_MD5], checksum_size(CHECKSUM_MD5));
    return g_strdup(draft->etag);
}

char *lake_draft_checksum(const struct lake_draft *draft, enum checksum_kind kind)
{
    return g_base64_encode(draft->digests[kind], checksum_size(kind));
}

json_t *lake_own_headers(const struct lake_draft *draft)
{
    g_autofree char *checksum = lake_draft_checksum(draft, CHECKSUM_CRC64NVME);
    return json_pack("{ssss}", "ChecksumCRC64NVME", checksum, "ChecksumType", "FULL_OBJECT");
}
