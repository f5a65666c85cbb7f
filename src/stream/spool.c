#define _GNU_SOURCE /* pwritev */
#include "stream/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"

#define MAGIC "lathespl"
#define HEAD 16            /* bytes of a file before its frames: MAGIC, and the time */
#define LONGEST (16 << 20) /* bytes of a record; a length above it is none */
#define VECTORS 64

struct frame_head {
    guint32 size, checksum; /* little-endian; the checksum is over the size, too */
};

static guint32 checksum_of(guint32 size, const struct spool_piece *pieces, size_t count)
{
    guint32 checksum = checksum_crc32(0, &size, sizeof size);
    for (size_t i = 0; i < count; i++)
        checksum = checksum_crc32(checksum, pieces[i].bytes, pieces[i].size);
    return GUINT32_TO_LE(checksum);
}

/* ---- records ---- */

struct spool_records *spool_records_new(void)
{
    struct spool_records *records = g_new(struct spool_records, 1);
    records->frames = g_byte_array_new();
    records->ends = g_array_new(FALSE, FALSE, sizeof(size_t));
    records->bytes = 0;
    return records;
}

void spool_records_add_pieces(struct spool_records *records, const struct spool_piece *pieces,
                              size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++)
        size += pieces[i].size;
    struct frame_head head = {.size = GUINT32_TO_LE((guint32)size)};
    head.checksum = checksum_of(head.size, pieces, count);
    g_byte_array_append(records->frames, (const guint8 *)&head, sizeof head);
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size)
            g_byte_array_append(records->frames, pieces[i].bytes, (guint)pieces[i].size);
    size_t end = records->frames->len;
    g_array_append_val(records->ends, end);
    records->bytes += size;
}

void spool_records_add(struct spool_records *records, const void *bytes, size_t size)
{
    struct spool_piece piece = {bytes, size};
    spool_records_add_pieces(records, &piece, 1);
}

void spool_records_free(struct spool_records *records)
{
    if (!records)
        return;
    g_byte_array_unref(records->frames);
    g_array_unref(records->ends);
    g_free(records);
}

/* ---- writing ---- */

static struct spool *spool_at(const char *folder, guint64 number)
{
    struct spool *spool = g_new0(struct spool, 1);
    spool->path = g_strdup_printf("%s/%020" G_GUINT64_FORMAT, folder, number);
    spool->number = number;
    spool->fd = -1;
    return spool;
}

void spool_free(struct spool *spool)
{
    if (!spool)
        return;
    spool_close(spool);
    g_free(spool->path);
    g_free(spool);
}

gint64 spool_frames(const struct spool *spool)
{
    return MAX(spool->length - HEAD, 0);
}

void spool_close(struct spool *spool)
{
    if (spool->fd >= 0)
        close(spool->fd);
    spool->fd = -1;
}

struct spool *spool_new(const char *folder, guint64 number, double time, GError **error)
{
    struct spool *spool = spool_at(folder, number);
    spool->time = time;
    spool->fd = open(spool->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (spool->fd >= 0)
        return spool;
    error_set_errno(error, errno, "creating %s", spool->path);
    spool_free(spool);
    return NULL;
}

static bool write_vectors(int fd, struct iovec *vectors, size_t count, gint64 at)
{
    while (count) {
        ssize_t n = pwritev(fd, vectors, (int)MIN(count, VECTORS), at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        at += n;
        for (; count && (size_t)n >= vectors->iov_len; vectors++, count--)
            n -= (ssize_t)vectors->iov_len;
        if (count) {
            vectors->iov_base = (char *)vectors->iov_base + n;
            vectors->iov_len -= (size_t)n;
        }
    }
    return true;
}

/* The file's name in its folder, before anything of it is acknowledged. */
static bool sync_name(const struct spool *spool, GError **error)
{
    g_autofree char *folder = g_path_get_dirname(spool->path);
    return file_sync_folder(folder, error);
}

bool spool_append(struct spool *spool, const struct spool_piece *pieces, size_t count,
                  GError **error)
{
    bool first = spool->length == 0;
    char head[HEAD] = MAGIC;
    memcpy(head + 8, &spool->time, sizeof spool->time);
    g_autofree struct iovec *vectors = g_new(struct iovec, count + 1);
    size_t used = 0;
    gint64 size = 0;
    if (first)
        vectors[used++] = (struct iovec){head, HEAD};
    for (size_t i = 0; i < count; i++)
        vectors[used++] = (struct iovec){(void *)pieces[i].bytes, pieces[i].size};
    for (size_t i = 0; i < used; i++)
        size += (gint64)vectors[i].iov_len;
    bool written =
        write_vectors(spool->fd, vectors, used, spool->length) && fdatasync(spool->fd) == 0;
    if (!written)
        error_set_errno(error, errno, "writing %s", spool->path);
    written = written && (!first || sync_name(spool, error));
    if (written)
        spool->length += size;
    else if (ftruncate(spool->fd, spool->length) != 0)
        g_warning("%s could not be cut back after it failed to be written: %s", spool->path,
                  g_strerror(errno));
    return written;
}

/* ---- finding ---- */

static gint by_number(gconstpointer a, gconstpointer b)
{
    const struct spool *left = *(struct spool *const *)a, *right = *(struct spool *const *)b;
    return left->number < right->number ? -1 : left->number > right->number;
}

static bool take(const char *path, const char *name, void *data, GError **error)
{
    GPtrArray *found = data;
    struct stat status;
    guint64 number;
    if (strlen(name) != 20 || !g_ascii_string_to_unsigned(name, 10, 1, G_MAXUINT64, &number, NULL))
        return unlink(path) == 0 || error_set_errno(error, errno, "removing %s", path);
    if (stat(path, &status) != 0)
        return error_set_errno(error, errno, "looking at %s", path);
    g_autofree char *folder = g_path_get_dirname(path);
    struct spool *spool = spool_at(folder, number);
    spool->length = status.st_size;
    g_ptr_array_add(found, spool);
    return true;
}

static void free_spool(void *spool)
{
    spool_free(spool);
}

GPtrArray *spool_find(const char *folder, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_spool);
    if (!file_each(folder, take, found, error))
        return NULL;
    g_ptr_array_sort(found, by_number);
    return g_steal_pointer(&found);
}

/* ---- reading ---- */

#define READ_AHEAD ((size_t)64 << 10)

struct spool_reader {
    FILE *file;
    char *path;
    gint64 at; /* behind the last whole frame; 0: the head is to be read */
    gint64 end;
    double time;
    unsigned char *record;
    size_t capacity;
};

struct spool_reader *spool_reader_new(const char *path, gint64 from, gint64 end, GError **error)
{
    FILE *file = fopen(path, "rbe");
    if (!file || (from && fseeko(file, from, SEEK_SET) != 0)) {
        error_set_errno(error, errno, "opening %s", path);
        if (file)
            fclose(file);
        return NULL;
    }
    setvbuf(file, NULL, _IOFBF, READ_AHEAD);
    struct spool_reader *reader = g_new0(struct spool_reader, 1);
    reader->file = file;
    reader->path = g_strdup(path);
    reader->at = from;
    reader->end = end;
    return reader;
}

void spool_reader_free(struct spool_reader *reader)
{
    if (!reader)
        return;
    fclose(reader->file);
    g_free(reader->path);
    g_free(reader->record);
    g_free(reader);
}

gint64 spool_reader_at(const struct spool_reader *reader)
{
    return reader->at;
}

double spool_reader_time(const struct spool_reader *reader)
{
    return reader->time;
}

static bool read_head(struct spool_reader *reader)
{
    char head[HEAD];
    if (reader->end < HEAD || fread(head, 1, HEAD, reader->file) != HEAD ||
        memcmp(head, MAGIC, 8) != 0)
        return false;
    memcpy(&reader->time, head + 8, sizeof reader->time);
    reader->at = HEAD;
    return true;
}

static bool read_record(struct spool_reader *reader, size_t size)
{
    if (size > reader->capacity) {
        reader->capacity = size;
        reader->record = g_realloc(reader->record, reader->capacity);
    }
    return fread(reader->record, 1, size, reader->file) == size;
}

/* The next whole frame; false where there is none. */
static bool read_frame(struct spool_reader *reader, struct spool_piece *record)
{
    struct frame_head head;
    gint64 left = reader->end - reader->at;
    if (left < SPOOL_FRAME_HEAD || fread(&head, 1, sizeof head, reader->file) != sizeof head)
        return false;
    size_t size = GUINT32_FROM_LE(head.size);
    if (size > LONGEST || (gint64)size > left - SPOOL_FRAME_HEAD || !read_record(reader, size))
        return false;
    *record = (struct spool_piece){size ? reader->record : (const unsigned char *)"", size};
    if (head.checksum != checksum_of(head.size, record, 1))
        return false;
    reader->at += SPOOL_FRAME_HEAD + (gint64)size;
    return true;
}

bool spool_reader_next(struct spool_reader *reader, struct spool_piece *record, GError **error)
{
    if ((reader->at || read_head(reader)) && read_frame(reader, record))
        return true;
    if (ferror(reader->file))
        error_set_errno(error, errno, "reading %s", reader->path);
    return false;
}

bool spool_each(struct spool *spool, spool_visit *visit, void *data, GError **error)
{
    g_autoptr(spool_reader_auto) reader = spool_reader_new(spool->path, 0, spool->length, error);
    struct spool_piece record;
    GError *cause = NULL;
    while (reader && spool_reader_next(reader, &record, &cause)) {
        spool->time = reader->time;
        if (!visit(record.bytes, record.size, data, error))
            return false;
    }
    if (cause)
        g_propagate_error(error, cause);
    return reader && !cause;
}
