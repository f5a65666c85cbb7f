/* What Avro's blocks are packed in. */
#include <archive.h>
#include <archive_entry.h>
#include <snappy-c.h>
#include <string.h>
#include <zlib.h>

#include "base/error.h"
#include "table/avro_inside.h"

/* A block that says that it holds more is damaged, or an attack. */
enum { LARGEST = 1 << 30, STEP = 1 << 18 };

typedef bool unpack(const unsigned char *bytes, size_t size, GByteArray *plain, GError **error);

static bool damaged(const char *codec, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "a block of it, packed in %s, is damaged", codec);
}

static bool unpack_nothing(const unsigned char *bytes, size_t size, GByteArray *plain,
                           GError **error)
{
    (void)error;
    g_byte_array_append(plain, bytes, (guint)size);
    return true;
}

static bool inflate_all(z_stream *stream, GByteArray *plain)
{
    int status = Z_OK;
    while (status == Z_OK && plain->len < LARGEST) {
        guint had = plain->len;
        g_byte_array_set_size(plain, had + STEP);
        stream->next_out = plain->data + had;
        stream->avail_out = STEP;
        status = inflate(stream, Z_NO_FLUSH);
        g_byte_array_set_size(plain, had + STEP - stream->avail_out);
    }
    return status == Z_STREAM_END;
}

static bool unpack_deflate(const unsigned char *bytes, size_t size, GByteArray *plain,
                           GError **error)
{
    z_stream stream = {.next_in = (unsigned char *)bytes, .avail_in = (uInt)size};
    if (inflateInit2(&stream, -15) != Z_OK)
        return damaged("deflate", error);
    bool good = inflate_all(&stream, plain);
    inflateEnd(&stream);
    return good || damaged("deflate", error);
}

/* Behind it stand four bytes: the checksum of what was packed. */
static bool unpack_snappy(const unsigned char *bytes, size_t size, GByteArray *plain,
                          GError **error)
{
    size_t length = 0;
    const char *packed = (const char *)bytes;
    if (size < 4 || snappy_uncompressed_length(packed, size - 4, &length) != SNAPPY_OK ||
        length > LARGEST)
        return damaged("snappy", error);
    g_byte_array_set_size(plain, (guint)length);
    if (snappy_uncompress(packed, size - 4, (char *)plain->data, &length) != SNAPPY_OK)
        return damaged("snappy", error);
    const unsigned char *sum = bytes + size - 4;
    uint32_t said =
        (uint32_t)sum[0] << 24 | (uint32_t)sum[1] << 16 | (uint32_t)sum[2] << 8 | sum[3];
    return crc32_z(0, plain->data, length) == said || damaged("snappy", error);
}

static bool read_archive(struct archive *archive, GByteArray *plain)
{
    struct archive_entry *entry;
    if (archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return false;
    for (ssize_t got = 1; got > 0 && plain->len < LARGEST;) {
        guint had = plain->len;
        g_byte_array_set_size(plain, had + STEP);
        got = archive_read_data(archive, plain->data + had, STEP);
        g_byte_array_set_size(plain, had + (guint)MAX(got, 0));
        if (got <= 0)
            return got == 0;
    }
    return false;
}

static bool unpack_archive(int (*filter)(struct archive *), const char *codec,
                           const unsigned char *bytes, size_t size, GByteArray *plain,
                           GError **error)
{
    struct archive *archive = archive_read_new();
    bool good = filter(archive) == ARCHIVE_OK &&
                archive_read_support_format_raw(archive) == ARCHIVE_OK &&
                archive_read_open_memory(archive, bytes, size) == ARCHIVE_OK &&
                read_archive(archive, plain);
    archive_read_free(archive);
    return good || damaged(codec, error);
}

static bool unpack_bzip2(const unsigned char *bytes, size_t size, GByteArray *plain, GError **error)
{
    return unpack_archive(archive_read_support_filter_bzip2, "bzip2", bytes, size, plain, error);
}

static bool unpack_xz(const unsigned char *bytes, size_t size, GByteArray *plain, GError **error)
{
    return unpack_archive(archive_read_support_filter_xz, "xz", bytes, size, plain, error);
}

static bool unpack_zstandard(const unsigned char *bytes, size_t size, GByteArray *plain,
                             GError **error)
{
    return unpack_archive(archive_read_support_filter_zstd, "zstandard", bytes, size, plain, error);
}

static const struct {
    const char *name;
    unpack *unpack;
} codecs[] = {{"null", unpack_nothing},  {"deflate", unpack_deflate},
              {"snappy", unpack_snappy}, {"bzip2", unpack_bzip2},
              {"xz", unpack_xz},         {"zstandard", unpack_zstandard}};

bool avro_codec_is(const char *codec)
{
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++)
        if (strcmp(codecs[i].name, codec) == 0)
            return true;
    return false;
}

bool avro_unpack(const char *codec, const unsigned char *bytes, size_t size, GByteArray *plain,
                 GError **error)
{
    g_byte_array_set_size(plain, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(codecs); i++)
        if (strcmp(codecs[i].name, codec) == 0)
            return size == 0 || codecs[i].unpack(bytes, size, plain, error);
    return error_set(error, ERROR_VALIDATION, "there is no codec '%s'", codec);
}
