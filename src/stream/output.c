#include "stream/output.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <snappy-c.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"

/* Of Snappy: the most that a chunk of the framing format may hold, and less than Hadoop's buffers
 * take. */
#define BLOCK ((size_t)64 << 10)

struct output {
    enum output_format format;
    char *path;
    int fd;
    struct archive *archive; /* of gzip and zip */
    unsigned char *block;    /* what was not written yet */
    size_t filled;
    unsigned char *packed; /* of Snappy: room for a block, compressed */
};

/* Firehose's words in the order of the enumeration. */
static const struct {
    const char *name, *extension;
} formats[] = {
    {"UNCOMPRESSED", ""},         {"GZIP", ".gz"}, {"ZIP", ".zip"}, {"Snappy", ".snappy"},
    {"HADOOP_SNAPPY", ".snappy"},
};

bool output_format_named(const char *name, enum output_format *format)
{
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++) {
        if (strcmp(formats[i].name, name) == 0) {
            *format = (enum output_format)i;
            return true;
        }
    }
    return false;
}

const char *output_extension(enum output_format format)
{
    return formats[format].extension;
}

/* ---- gzip and zip, by libarchive ---- */

static bool archive_failed(const struct output *output, GError **error)
{
    const char *why = archive_error_string(output->archive);
    int cause = archive_errno(output->archive);
    bool full = cause == ENOSPC || cause == EDQUOT;
    return error_set(error, full ? ERROR_SERVICE_UNAVAILABLE : ERROR_INTERNAL, "writing %s: %s",
                     output->path, why ? why : "unknown error");
}

static bool open_archive(struct output *output, const char *member, GError **error)
{
    output->archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, member);
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_entry_set_mtime(entry, time(NULL), 0);
    if (output->format == OUTPUT_ZIP) {
        archive_write_set_format_zip(output->archive);
    } else {
        archive_write_add_filter_gzip(output->archive);
        archive_write_set_format_raw(output->archive);
    }
    archive_write_set_bytes_in_last_block(output->archive, 1);
    bool opened = archive_write_open_fd(output->archive, output->fd) == ARCHIVE_OK &&
                  archive_write_header(output->archive, entry) == ARCHIVE_OK;
    archive_entry_free(entry);
    return opened || archive_failed(output, error);
}

/* ---- Snappy ---- */

static unsigned char *put_big(unsigned char *at, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        *at++ = (unsigned char)(value >> shift);
    return at;
}

static unsigned char *put_little(unsigned char *at, uint32_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        *at++ = (unsigned char)(value >> 8 * i);
    return at;
}

/* The framing format's checksum: CRC-32C, turned and shifted. */
static uint32_t masked_crc(const unsigned char *bytes, size_t size)
{
    unsigned char digest[CHECKSUM_LONGEST];
    g_autoptr(checksum_auto) checksum = checksum_new(CHECKSUM_CRC32C);
    checksum_update(checksum, bytes, size);
    checksum_finish(checksum, digest);
    uint32_t crc = (uint32_t)digest[0] << 24 | (uint32_t)digest[1] << 16 |
                   (uint32_t)digest[2] << 8 | digest[3];
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static bool write_chunk(struct output *output, size_t packed, GError **error)
{
    unsigned char head[8];
    bool smaller = packed < output->filled - output->filled / 8;
    const unsigned char *bytes = smaller ? output->packed : output->block;
    size_t size = smaller ? packed : output->filled;
    head[0] = smaller ? 0x00 : 0x01;
    unsigned char *at = put_little(head + 1, (uint32_t)size + 4, 3);
    put_little(at, masked_crc(output->block, output->filled), 4);
    return file_write_all(output->fd, head, sizeof head, error) &&
           file_write_all(output->fd, bytes, size, error);
}

static bool write_hadoop_block(struct output *output, size_t packed, GError **error)
{
    unsigned char head[8];
    put_big(put_big(head, (uint32_t)output->filled), (uint32_t)packed);
    return file_write_all(output->fd, head, sizeof head, error) &&
           file_write_all(output->fd, output->packed, packed, error);
}

/* ---- blocks ---- */

static bool write_block(struct output *output, GError **error)
{
    size_t packed = snappy_max_compressed_length(BLOCK);
    if (output->packed)
        snappy_compress((const char *)output->block, output->filled, (char *)output->packed,
                        &packed);
    bool written;
    if (output->format == OUTPUT_SNAPPY)
        written = write_chunk(output, packed, error);
    else if (output->format == OUTPUT_HADOOP_SNAPPY)
        written = write_hadoop_block(output, packed, error);
    else if (output->archive)
        written = archive_write_data(output->archive, output->block, output->filled) ==
                      (la_ssize_t)output->filled ||
                  archive_failed(output, error);
    else
        written = file_write_all(output->fd, output->block, output->filled, error);
    output->filled = 0;
    return written;
}

bool output_write(struct output *output, const void *bytes, size_t size, GError **error)
{
    const unsigned char *from = bytes;
    while (size) {
        size_t part = MIN(size, BLOCK - output->filled);
        memcpy(output->block + output->filled, from, part);
        output->filled += part;
        from += part;
        size -= part;
        if (output->filled == BLOCK && !write_block(output, error))
            return false;
    }
    return true;
}

static bool begin(struct output *output, const char *member, GError **error)
{
    static const unsigned char identifier[] = {0xff, 6, 0, 0, 's', 'N', 'a', 'P', 'p', 'Y'};
    if (output->format == OUTPUT_GZIP || output->format == OUTPUT_ZIP)
        return open_archive(output, member, error);
    if (output->format == OUTPUT_PLAIN)
        return true;
    output->packed = g_malloc(snappy_max_compressed_length(BLOCK));
    return output->format == OUTPUT_HADOOP_SNAPPY ||
           file_write_all(output->fd, identifier, sizeof identifier, error);
}

struct output *output_new(const char *path, enum output_format format, const char *member,
                          GError **error)
{
    g_autoptr(output_auto) output = g_new0(struct output, 1);
    output->format = format;
    output->path = g_strdup(path);
    output->block = g_malloc(BLOCK);
    output->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (output->fd < 0)
        error_set_errno(error, errno, "creating %s", path);
    else if (begin(output, member, error))
        return g_steal_pointer(&output);
    return NULL;
}

bool output_finish(struct output *output, GError **error)
{
    if (output->filled && !write_block(output, error))
        return false;
    return !output->archive || archive_write_close(output->archive) == ARCHIVE_OK ||
           archive_failed(output, error);
}

void output_free(struct output *output)
{
    if (!output)
        return;
    if (output->archive)
        archive_write_free(output->archive);
    if (output->fd >= 0)
        close(output->fd);
    g_free(output->packed);
    g_free(output->block);
    g_free(output->path);
    g_free(output);
}
