/* The table of files, and zip (APPNOTE.TXT 6.3: stored and deflated, no encryption, no zip64). */
#include "archive/archive_inside.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    END_SIGNATURE = 0x06054b50,
    END_SIZE = 22,
    DIRECTORY_SIGNATURE = 0x02014b50,
    DIRECTORY_SIZE = 46,
    LOCAL_SIGNATURE = 0x04034b50,
    LOCAL_SIZE = 30,
    LONGEST_COMMENT = 65535
};

static bool corrupt(struct lathe_error *error, const char *what)
{
    return fail(error, LATHE_INVALID_MODEL, "the zip archive is cut or corrupt: %s", what);
}

static uint32_t two(const unsigned char *at)
{
    return at[0] | (uint32_t)at[1] << 8;
}

static uint32_t four(const unsigned char *at)
{
    return two(at) | two(at + 2) << 16;
}

/* Whether the name stays in the folder that it is relative to. */
static bool is_inside(const char *name)
{
    if (name[0] == '/' || name[0] == '\0' || strchr(name, '\\'))
        return false;
    for (const char *part = name; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == '\0'))
            return false;
    }
    return true;
}

bool unpack_locate(const char **name, size_t *size, struct lathe_error *error)
{
    while (*size >= 2 && (*name)[0] == '.' && (*name)[1] == '/') {
        size_t start = 2;
        while (start < *size && (*name)[start] == '/')
            start++;
        *name += start;
        *size -= start;
    }
    char copy[UNPACK_NAME + 1];
    size_t length = *size < UNPACK_NAME ? *size : UNPACK_NAME;
    memcpy(copy, *name, length);
    copy[length] = '\0';
    if (*size == length && strlen(copy) == length && is_inside(copy))
        return true;
    return fail(error, LATHE_INVALID_MODEL,
                "the archive has a file named '%.100s', which is outside of its folder", copy);
}

struct unpack_file *unpack_enter(struct unpack *archive, const char *name, size_t size,
                                 struct lathe_error *error)
{
    if (!unpack_locate(&name, &size, error))
        return NULL;
    char *copy = arena_copy(&archive->arena, name, size);
    if (!copy) {
        fail_memory(error, "an archive's files");
        return NULL;
    }
    if (archive->count == UNPACK_FILES) {
        fail(error, LATHE_LIMIT, "the archive has more than %d files", UNPACK_FILES);
        return NULL;
    }
    if (archive->count == archive->capacity) {
        size_t capacity = archive->capacity ? archive->capacity * 2 : 32;
        struct unpack_file *files = realloc(archive->files, capacity * sizeof *files);
        if (!files) {
            fail_memory(error, "an archive's files");
            return NULL;
        }
        archive->files = files;
        archive->capacity = capacity;
    }
    int32_t index = labels_add(archive->names, text_of(copy, size));
    if (index < 0) {
        fail_memory(error, "an archive's files");
        return NULL;
    }
    archive->count = labels_count(archive->names);
    archive->files[index] = (struct unpack_file){.name = copy};
    return &archive->files[index];
}

/* ---- zip ---- */

static const unsigned char *find_end(const unsigned char *bytes, size_t size)
{
    size_t lowest = size > END_SIZE + LONGEST_COMMENT ? size - END_SIZE - LONGEST_COMMENT : 0;
    for (size_t at = size - END_SIZE + 1; at-- > lowest;)
        if (four(bytes + at) == END_SIGNATURE)
            return bytes + at;
    return NULL;
}

/* One entry of the directory; *at is moved behind it. */
static bool read_entry(struct unpack *archive, const unsigned char *bytes, size_t size, size_t *at,
                       struct lathe_error *error)
{
    if (size - *at < DIRECTORY_SIZE || four(bytes + *at) != DIRECTORY_SIGNATURE)
        return corrupt(error, "its directory ends early");
    const unsigned char *entry = bytes + *at;
    size_t name_size = two(entry + 28), extra = two(entry + 30), comment = two(entry + 32);
    if (size - *at - DIRECTORY_SIZE < name_size + extra + comment)
        return corrupt(error, "its directory ends early");
    *at += DIRECTORY_SIZE + name_size + extra + comment;
    const char *name = (const char *)entry + DIRECTORY_SIZE;
    if (name_size && name[name_size - 1] == '/')
        return true;
    struct unpack_file *file = unpack_enter(archive, name, name_size, error);
    if (!file)
        return false;
    uint32_t method = two(entry + 10), offset = four(entry + 42);
    if (two(entry + 8) & 1)
        return fail(error, LATHE_UNSUPPORTED, "'%.100s' in the zip archive is encrypted",
                    file->name);
    if (method != 0 && method != 8)
        return fail(error, LATHE_UNSUPPORTED,
                    "'%.100s' in the zip archive is compressed by method %u, and only deflate (8) "
                    "and none (0) are known",
                    file->name, (unsigned)method);
    file->crc = four(entry + 16);
    file->packed_size = four(entry + 20);
    file->size = four(entry + 24);
    file->deflated = method == 8;
    if (size < LOCAL_SIZE || offset > size - LOCAL_SIZE || four(bytes + offset) != LOCAL_SIGNATURE)
        return corrupt(error, "a file is not where the directory says");
    size_t start = offset + LOCAL_SIZE + two(bytes + offset + 26) + two(bytes + offset + 28);
    if (start > size || size - start < file->packed_size)
        return corrupt(error, "a file reaches beyond the end");
    file->packed = bytes + start;
    return true;
}

static bool read_zip(struct unpack *archive, const unsigned char *bytes, size_t size,
                     struct lathe_error *error)
{
    const unsigned char *end = size < END_SIZE ? NULL : find_end(bytes, size);
    if (!end)
        return corrupt(error, "it has no directory at its end");
    size_t count = two(end + 10), at = four(end + 16);
    if (at > (size_t)(end - bytes))
        return corrupt(error, "its directory is not where its end says (zip64 is not read)");
    for (size_t i = 0; i < count; i++)
        if (!read_entry(archive, bytes, (size_t)(end - bytes), &at, error))
            return false;
    return true;
}

/* Inflates into exactly file->size bytes. */
static bool inflate_file(const struct unpack_file *file, char *out)
{
    z_stream stream = {.next_in = (unsigned char *)(uintptr_t)file->packed,
                       .avail_in = (unsigned)file->packed_size,
                       .next_out = (unsigned char *)out,
                       .avail_out = (unsigned)file->size};
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        return false;
    int status = inflate(&stream, Z_FINISH);
    size_t made = stream.total_out;
    inflateEnd(&stream);
    return status == Z_STREAM_END && made == file->size;
}

const char *unpack_bytes(struct unpack *archive, size_t index, size_t *size,
                         struct lathe_error *error)
{
    struct unpack_file *file = &archive->files[index];
    *size = file->size;
    if (file->bytes)
        return file->bytes;
    if (file->size > UNPACK_FILE) {
        fail(error, LATHE_LIMIT, "'%.100s' in the archive has %zu bytes, and at most %d are taken",
             file->name, file->size, UNPACK_FILE);
        return NULL;
    }
    archive->kept += file->size;
    if (archive->kept > UNPACK_KEPT) {
        fail(error, LATHE_LIMIT, "the archive's files have more than %d bytes", UNPACK_KEPT);
        return NULL;
    }
    char *out = arena_take(&archive->arena, file->size + 1, 1);
    if (!out) {
        fail_memory(error, "an archive's files");
        return NULL;
    }
    bool whole = file->deflated ? inflate_file(file, out) : file->packed_size == file->size;
    if (whole && !file->deflated)
        memcpy(out, file->packed, file->size);
    if (!whole || crc32(0, (const unsigned char *)out, (unsigned)file->size) != file->crc) {
        fail(error, LATHE_INVALID_MODEL, "'%.100s' in the zip archive is corrupt", file->name);
        return NULL;
    }
    file->bytes = out;
    return out;
}

/* ---- any archive ---- */

struct unpack *unpack_open(const void *bytes, size_t size, bool (*keep)(const char *name),
                           struct lathe_error *error)
{
    struct unpack *archive = calloc(1, sizeof *archive);
    if (archive)
        archive->names = labels_new();
    if (!archive || !archive->names) {
        unpack_close(archive);
        fail_memory(error, "an archive's files");
        return NULL;
    }
    bool zip = size >= 4 && (memcmp(bytes, "PK\3\4", 4) == 0 || memcmp(bytes, "PK\5\6", 4) == 0);
    bool read = zip ? read_zip(archive, bytes, size, error)
                    : unpack_read_tar(archive, bytes, size, keep, error);
    if (read)
        return archive;
    unpack_close(archive);
    return NULL;
}

void unpack_close(struct unpack *archive)
{
    if (!archive)
        return;
    labels_free(archive->names);
    free(archive->files);
    arena_free(&archive->arena);
    free(archive);
}

size_t unpack_count(const struct unpack *archive)
{
    return archive->count;
}

size_t unpack_find(const struct unpack *archive, const char *name)
{
    int32_t index = labels_find(archive->names, text_of(name, strlen(name)));
    return index < 0 ? archive->count : (size_t)index;
}

const char *unpack_name(const struct unpack *archive, size_t index)
{
    return archive->files[index].name;
}
