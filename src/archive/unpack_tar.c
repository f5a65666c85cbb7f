/* tar: POSIX ustar with pax headers, and GNU's long names; plain or through gzip. */
#include "archive/archive_inside.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum { BLOCK = 512, LONGEST_NAME = UNPACK_NAME, EXTENDED = 1 << 20 };

/* The tar's bytes, one after the other. */
struct source {
    z_stream stream;
    bool packed;
    size_t taken;
    struct lathe_error *error;
};

struct header {
    char name[LONGEST_NAME + 1];
    char type;
    uint64_t size;
};

static bool corrupt(struct lathe_error *error, const char *what)
{
    return fail(error, LATHE_INVALID_MODEL, "the tar archive is cut or corrupt: %s", what);
}

/* Exactly size bytes; *end, and none taken, where the archive is over. */
static bool take(struct source *source, unsigned char *out, size_t size, bool *end)
{
    *end = false;
    if (size > UNPACK_INFLATED - source->taken)
        return fail(source->error, LATHE_LIMIT, "the tar archive has more than %d bytes",
                    UNPACK_INFLATED);
    source->stream.next_out = out;
    source->stream.avail_out = (unsigned)size;
    if (!source->packed) {
        size_t there = source->stream.avail_in < size ? source->stream.avail_in : size;
        memcpy(out, source->stream.next_in, there);
        source->stream.next_in += there;
        source->stream.avail_in -= (unsigned)there;
        source->stream.avail_out -= (unsigned)there;
    }
    while (source->packed && source->stream.avail_out) {
        int status = inflate(&source->stream, Z_NO_FLUSH);
        if (status == Z_STREAM_END)
            break;
        if (status != Z_OK)
            return corrupt(source->error, "its gzip data");
    }
    source->stream.next_out = NULL; /* it points into the caller's frame no longer than this */
    size_t made = size - source->stream.avail_out;
    source->taken += made;
    *end = made == 0;
    return made == size || *end || corrupt(source->error, "it ends early");
}

static bool pass_over(struct source *source, uint64_t size)
{
    unsigned char piece[BLOCK * 8];
    while (size) {
        bool end;
        size_t next = size < sizeof piece ? (size_t)size : sizeof piece;
        if (!take(source, piece, next, &end))
            return false;
        if (end)
            return corrupt(source->error, "it ends early");
        size -= next;
    }
    return true;
}

static size_t padding(uint64_t size)
{
    return (size_t)((BLOCK - size % BLOCK) % BLOCK);
}

/* The content of a file, and the zeros after it. */
static bool take_content(struct source *source, char *out, uint64_t size)
{
    bool end = false;
    if (size && !take(source, (unsigned char *)out, (size_t)size, &end))
        return false;
    if (end)
        return corrupt(source->error, "it ends early");
    return pass_over(source, padding(size));
}

/* Octal digits, or, with the highest bit set, a number in base 256. */
static bool read_size(const unsigned char *field, uint64_t *size)
{
    *size = 0;
    if (field[0] & 0x80) {
        for (int i = 1; i < 12; i++) {
            if (*size >> 55)
                return false;
            *size = *size << 8 | field[i];
        }
        return !(field[0] & 0x7F);
    }
    for (int i = 0; i < 12 && field[i] && field[i] != ' '; i++) {
        if (field[i] < '0' || field[i] > '7')
            return false;
        *size = *size << 3 | (uint64_t)(field[i] - '0');
    }
    return true;
}

static bool checksum_holds(const unsigned char *block)
{
    uint64_t written, sum = 0;
    unsigned char field[12] = {0};
    memcpy(field, block + 148, 8);
    for (int i = 0; i < 8; i++)
        if (field[i] == ' ')
            field[i] = 0;
    for (int i = 0; i < BLOCK; i++)
        sum += i >= 148 && i < 156 ? ' ' : block[i];
    return read_size(field, &written) && written == sum;
}

/* Finds "path=" and "size=" among a pax header's records "LENGTH KEY=VALUE\n". */
static void read_pax(const char *records, size_t size, struct header *next, bool *has_size)
{
    while (size) {
        size_t length = 0, at = 0;
        while (at < size && records[at] >= '0' && records[at] <= '9' && length < LONGEST_NAME * 2)
            length = length * 10 + (size_t)(records[at++] - '0');
        if (length <= at + 1 || length > size || records[at] != ' ')
            return;
        const char *record = records + at + 1;
        size_t rest = length - at - 2; /* without the line end */
        if (rest >= 5 && rest - 5 <= LONGEST_NAME && memcmp(record, "path=", 5) == 0) {
            memcpy(next->name, record + 5, rest - 5);
            next->name[rest - 5] = '\0';
        }
        if (rest > 5 && rest < 25 && memcmp(record, "size=", 5) == 0) {
            *has_size = true;
            next->size = 0;
            for (size_t i = 5; i < rest; i++)
                next->size = next->size * 10 + (uint64_t)(record[i] - '0');
        }
        records += length;
        size -= length;
    }
}

/* What an extended header says of the file after it. Those of macOS hold attributes of the file
 * beside its name, and may be long. */
static bool take_extended(struct source *source, uint64_t size, struct header *next, bool *has_size)
{
    if (next->type == 'g' || next->type == 'K') /* of the whole archive; a link's target */
        return size <= UNPACK_INFLATED && pass_over(source, size + padding(size));
    if (size > EXTENDED)
        return fail(source->error, LATHE_LIMIT,
                    "the tar archive has a header of more than %d bytes", EXTENDED);
    char *content = malloc((size_t)size + 1);
    if (!content)
        return fail_memory(source->error, "an archive's header");
    bool taken = take_content(source, content, size);
    if (taken && next->type == 'x') {
        read_pax(content, (size_t)size, next, has_size);
    } else if (taken) {
        size_t length = size < LONGEST_NAME ? (size_t)size : LONGEST_NAME;
        memcpy(next->name, content, length);
        next->name[length] = '\0';
    }
    free(content);
    return taken;
}

/* The next file's header, with what extended headers before it say; type 0: the archive is over. */
static bool next_header(struct source *source, struct header *header)
{
    bool named = false, has_size = false;
    header->name[0] = '\0';
    for (;;) {
        unsigned char block[BLOCK];
        bool end;
        uint64_t size;
        if (!take(source, block, BLOCK, &end))
            return false;
        header->type = 0;
        if (end || block[0] == '\0')
            return true;
        if (!checksum_holds(block) || !read_size(block + 124, &size))
            return corrupt(source->error, "a header does not add up");
        header->type = block[156] ? (char)block[156] : '0';
        if (strchr("xgLK", header->type)) {
            if (!take_extended(source, size, header, &has_size))
                return false;
            named = named || header->name[0];
            continue;
        }
        if (!has_size)
            header->size = size;
        if (named)
            return true;
        size_t used = 0;
        if (memcmp(block + 257, "ustar", 5) == 0 && block[263] == '0' && block[345]) {
            const void *stop = memchr(block + 345, '\0', 155);
            used = stop ? (size_t)((const unsigned char *)stop - (block + 345)) : 155;
            memcpy(header->name, block + 345, used);
            header->name[used++] = '/';
        }
        memcpy(header->name + used, block, 100);
        header->name[used + 100] = '\0';
        return true;
    }
}

static bool read_files(struct unpack *archive, struct source *source,
                       bool (*keep)(const char *name))
{
    struct header header;
    for (;;) {
        if (!next_header(source, &header))
            return false;
        if (!header.type)
            return true;
        if (header.size > UNPACK_INFLATED)
            return fail(source->error, LATHE_LIMIT, "the tar archive has more than %d bytes",
                        UNPACK_INFLATED);
        /* Links and folders have no content; devices have no business here. The oldest tars know
         * folders only by the slash at the end. */
        size_t length = strlen(header.name);
        bool folder = length && header.name[length - 1] == '/';
        if (folder || (header.type != '0' && header.type != '7')) {
            if (header.size && !pass_over(source, header.size + padding(header.size)))
                return false;
            continue;
        }
        const char *name = header.name;
        if (!unpack_locate(&name, &length, source->error))
            return false;
        if (header.size > UNPACK_FILE || (keep && !keep(name))) {
            if (!pass_over(source, header.size + padding(header.size)))
                return false;
            continue;
        }
        struct unpack_file *file = unpack_enter(archive, name, length, source->error);
        if (!file)
            return false;
        archive->kept += (size_t)header.size;
        if (archive->kept > UNPACK_KEPT)
            return fail(source->error, LATHE_LIMIT,
                        "the tar archive's files have more than %d bytes", UNPACK_KEPT);
        char *bytes = arena_take(&archive->arena, (size_t)header.size + 1, 1);
        if (!bytes)
            return fail_memory(source->error, "an archive's files");
        if (!take_content(source, bytes, header.size))
            return false;
        file->bytes = bytes;
        file->size = (size_t)header.size;
    }
}

bool unpack_read_tar(struct unpack *archive, const unsigned char *bytes, size_t size,
                     bool (*keep)(const char *name), struct lathe_error *error)
{
    struct source source = {.error = error};
    if (size > UINT32_MAX)
        return fail(error, LATHE_LIMIT, "the archive has more than 4 GiB");
    source.packed = size >= 2 && bytes[0] == 0x1F && bytes[1] == 0x8B;
    if (!source.packed && (size < BLOCK || !checksum_holds(bytes)))
        return fail(error, LATHE_INVALID_MODEL, "it is neither a zip, a tar nor a tar.gz");
    source.stream.next_in = (unsigned char *)(uintptr_t)bytes;
    source.stream.avail_in = (unsigned)size;
    if (source.packed && inflateInit2(&source.stream, MAX_WBITS + 16) != Z_OK)
        return fail_memory(error, "an archive's files");
    bool read = read_files(archive, &source, keep);
    if (source.packed)
        inflateEnd(&source.stream);
    return read;
}
