#define _GNU_SOURCE /* memmem */
#include "table/avro.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "table/avro_inside.h"

enum { MARKER = 16, STEP = 1 << 18, LONGEST = 1 << 30 };

struct avro_file {
    const struct relation *relation;
    const char *uri;
    int file;
    int64_t size;
    unsigned char *buffer;
    size_t start, end, room;
    int64_t read;   /* where the buffer's end is in the file */
    int64_t to;     /* -1: the file's end */
    int64_t marker; /* where the last marker that was read begins */
    unsigned char marks[MARKER];
    char *codec;
    struct avro_schema *schema;
    size_t *places;        /* of each field of the file a column's number and one, 0: in none */
    const json_t **filler; /* of each column that the file lacks what is in it */
    bool *lacks;
    json_t *literal; /* the table's own schema, or NULL */
    GByteArray *plain;
    struct avro_values values;
    int64_t left; /* rows of the block that are not read */
};

/* ---- bytes ---- */

static bool fail(const struct avro_file *file, const char *why, GError **error)
{
    return error_set(error, ERROR_VALIDATION, "HIVE_CURSOR_ERROR: Failed to read Avro file: %s: %s",
                     file->uri, why);
}

/* Puts the file's name before what was said of it. */
static bool fail_named(const struct avro_file *file, GError *cause, GError **error)
{
    fail(file, cause->message, error);
    g_error_free(cause);
    return false;
}

static int64_t position(const struct avro_file *file)
{
    return file->read - (int64_t)(file->end - file->start);
}

static void make_room(struct avro_file *file, size_t wanted)
{
    if (file->end > file->start)
        memmove(file->buffer, file->buffer + file->start, file->end - file->start);
    file->end -= file->start;
    file->start = 0;
    if (file->room >= wanted + STEP)
        return;
    file->room = wanted + STEP;
    file->buffer = g_realloc(file->buffer, file->room);
}

/* Reads until so many bytes are in the buffer; false at the file's end, too. */
static bool need(struct avro_file *file, int64_t size)
{
    if (size < 0 || size > LONGEST || size > file->size - position(file))
        return false;
    if (file->end - file->start < (size_t)size && file->room - file->start < (size_t)size + STEP)
        make_room(file, (size_t)size);
    while (file->end - file->start < (size_t)size) {
        ssize_t got = read(file->file, file->buffer + file->end, file->room - file->end);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        file->end += (size_t)got;
        file->read += got;
    }
    return true;
}

static bool read_long(struct avro_file *file, int64_t *value)
{
    uint64_t bits = 0;
    for (unsigned shift = 0; shift < 64 && need(file, 1); shift += 7) {
        unsigned char byte = file->buffer[file->start++];
        bits |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) {
            *value = (int64_t)(bits >> 1) ^ -(int64_t)(bits & 1);
            return true;
        }
    }
    return false;
}

static char *read_text(struct avro_file *file, int64_t *size)
{
    if (!read_long(file, size) || !need(file, *size))
        return NULL;
    char *text = g_strndup((char *)file->buffer + file->start, (gsize)*size);
    file->start += (size_t)*size;
    return text;
}

/* ---- the head ---- */

static bool take_entry(struct avro_file *file, GError **error)
{
    int64_t size;
    g_autofree char *key = read_text(file, &size);
    g_autofree char *value = key ? read_text(file, &size) : NULL;
    if (!value)
        return fail(file, "its head is cut off", error);
    if (strcmp(key, "avro.codec") == 0 && *value) {
        g_free(file->codec);
        file->codec = g_strdup(value);
    }
    if (strcmp(key, "avro.schema") != 0 || file->schema)
        return true;
    GError *cause = NULL;
    file->schema = avro_schema_read(value, (size_t)size, &cause);
    return file->schema || fail_named(file, cause, error);
}

static bool take_entries(struct avro_file *file, GError **error)
{
    int64_t count, size;
    do {
        if (!read_long(file, &count) || (count < 0 && !read_long(file, &size)))
            return fail(file, "its head is cut off", error);
        count = count == INT64_MIN ? INT64_MAX : ABS(count);
        for (int64_t i = 0; i < count; i++)
            if (!take_entry(file, error))
                return false;
    } while (count);
    return true;
}

static bool take_marks(struct avro_file *file, GError **error)
{
    if (!need(file, MARKER))
        return fail(file, "its head is cut off", error);
    file->marker = position(file);
    memcpy(file->marks, file->buffer + file->start, MARKER);
    file->start += MARKER;
    return true;
}

static bool take_head(struct avro_file *file, GError **error)
{
    if (!need(file, 4) || memcmp(file->buffer + file->start, "Obj\1", 4) != 0)
        return fail(file, "it is no data file of Avro's, which begins with 'Obj'", error);
    file->start += 4;
    if (!take_entries(file, error))
        return false;
    if (!file->schema)
        return fail(file, "its head has no schema", error);
    if (!avro_codec_is(file->codec))
        return fail(file,
                    "it is packed in what is not supported: null, deflate, snappy, bzip2, xz and "
                    "zstandard are",
                    error);
    return take_marks(file, error);
}

/* ---- fields and columns ---- */

static const json_t *literal_field(const struct avro_file *file, const char *column)
{
    const json_t *field;
    size_t i;
    json_array_foreach(json_object_get(file->literal, "fields"), i, field)
    {
        const char *name = json_text_at(field, "name");
        if (name && g_ascii_strcasecmp(name, column) == 0)
            return field;
    }
    return NULL;
}

static bool field_named(const struct avro_type *record, const char *name, size_t *number)
{
    for (*number = 0; *number < record->count; ++*number)
        if (g_ascii_strcasecmp(record->names[*number], name) == 0)
            return true;
    return false;
}

static bool find_field(const struct avro_type *record, const char *column, const json_t *own,
                       size_t *number)
{
    const json_t *alias;
    size_t i;
    if (field_named(record, column, number))
        return true;
    json_array_foreach(json_object_get(own, "aliases"), i, alias)
    {
        const char *name = json_string_value(alias);
        if (name && field_named(record, name, number))
            return true;
    }
    return false;
}

static void find_columns(struct avro_file *file)
{
    const struct avro_type *record = avro_schema_type(file->schema);
    const struct relation *relation = file->relation;
    const char *literal = relation_option(relation, "avro.schema.literal", NULL);
    file->literal = literal ? json_loads(literal, 0, NULL) : NULL;
    file->places = g_new0(size_t, record->count + 1);
    file->filler = g_new0(const json_t *, relation->column_count + 1);
    file->lacks = g_new0(bool, relation->column_count + 1);
    for (size_t i = 0; i < relation->column_count; i++) {
        size_t number;
        const char *name = relation->columns[i].name;
        const json_t *own = literal_field(file, name);
        file->lacks[i] = !find_field(record, name, own, &number) || file->places[number];
        if (file->lacks[i])
            file->filler[i] = json_object_get(own, "default");
        else
            file->places[number] = i + 1;
    }
}

/* ---- parts ---- */

/* Goes on behind the first marker from there. */
static bool find_marker(struct avro_file *file, int64_t from, GError **error)
{
    if (lseek(file->file, from, SEEK_SET) < 0)
        return fail(file, g_strerror(errno), error);
    file->start = file->end = 0;
    file->read = from;
    while (need(file, MARKER)) {
        size_t size = file->end - file->start;
        unsigned char *hit = memmem(file->buffer + file->start, size, file->marks, MARKER);
        file->start = hit ? (size_t)(hit - file->buffer) : file->end - MARKER + 1;
        if (!hit)
            continue;
        file->marker = position(file);
        file->start += MARKER;
        return true;
    }
    file->marker = file->size;
    file->start = file->end;
    file->read = file->size;
    return true;
}

static bool begin(struct avro_file *file, const char *path, int64_t from, GError **error)
{
    struct stat status;
    file->file = open(path, O_RDONLY | O_CLOEXEC);
    if (file->file < 0 || fstat(file->file, &status) != 0)
        return error_set_errno(error, errno, "HIVE_CANNOT_OPEN_SPLIT: opening %s", file->uri);
    file->size = status.st_size;
    if (!take_head(file, error))
        return false;
    find_columns(file);
    return file->marker >= from || find_marker(file, from, error);
}

struct avro_file *avro_file_open(const struct relation *relation, const struct relation_file *file,
                                 int64_t from, int64_t to, GError **error)
{
    struct avro_file *opened = g_new0(struct avro_file, 1);
    opened->relation = relation;
    opened->uri = file->uri;
    opened->to = to;
    opened->codec = g_strdup("null");
    opened->plain = g_byte_array_new();
    if (begin(opened, file->path, from, error))
        return opened;
    avro_file_close(opened);
    return NULL;
}

void avro_file_close(struct avro_file *file)
{
    if (!file)
        return;
    if (file->file >= 0)
        close(file->file);
    avro_schema_free(file->schema);
    json_decref(file->literal);
    g_byte_array_unref(file->plain);
    g_free(file->buffer);
    g_free(file->codec);
    g_free(file->places);
    g_free(file->filler);
    g_free(file->lacks);
    g_free(file);
}

/* ---- blocks ---- */

static bool unpack_block(struct avro_file *file, int64_t size, GError **error)
{
    const unsigned char *bytes = file->buffer + file->start;
    GError *cause = NULL;
    file->values = (struct avro_values){bytes, bytes + size, 0};
    if (strcmp(file->codec, "null") == 0)
        return true;
    if (!avro_unpack(file->codec, bytes, (size_t)size, file->plain, &cause))
        return fail_named(file, cause, error);
    bytes = file->plain->data;
    file->values = (struct avro_values){bytes, bytes + file->plain->len, 0};
    return true;
}

/* The next block; one without rows where the part is over. */
static bool next_block(struct avro_file *file, GError **error)
{
    int64_t size = 0;
    file->left = 0;
    if ((file->to >= 0 && file->marker >= file->to) || position(file) >= file->size)
        return true;
    if (!read_long(file, &file->left) || !read_long(file, &size) || file->left < 0 || size < 0 ||
        !need(file, size + MARKER))
        return fail(file, "it is cut off, or a block of it is damaged", error);
    if (memcmp(file->buffer + file->start + size, file->marks, MARKER) != 0)
        return fail(file, "a block of it is damaged: no marker is behind it", error);
    if (!unpack_block(file, size, error))
        return false;
    file->start += (size_t)size;
    file->marker = position(file);
    file->start += MARKER;
    return true;
}

/* ---- rows ---- */

static bool fail_column(const struct avro_file *file, size_t column, GError *cause, GError **error)
{
    const char *name = file->relation->columns[column].name;
    error_set(error, ERROR_VALIDATION, "HIVE_BAD_DATA: Error reading column %s of Avro file %s: %s",
              name, file->uri, cause->message);
    g_error_free(cause);
    return false;
}

static bool read_row(struct avro_file *file, struct sink *const *columns, uint64_t row,
                     GError **error)
{
    const struct avro_type *record = avro_schema_type(file->schema);
    GError *cause = NULL;
    for (size_t i = 0; i < record->count; i++) {
        size_t place = file->places[i];
        struct sink *sink = place ? columns[place - 1] : NULL;
        if (avro_take(&file->values, record->parts[i], sink, row, &cause))
            continue;
        return sink ? fail_column(file, place - 1, cause, error) : fail_named(file, cause, error);
    }
    for (size_t i = 0; i < file->relation->column_count; i++)
        if (file->lacks[i] && columns[i] &&
            !avro_set_default(file->filler[i], columns[i], row, &cause))
            return fail_column(file, i, cause, error);
    return true;
}

static bool is_counted(const struct avro_file *file, struct sink *const *columns)
{
    for (size_t i = 0; i < file->relation->column_count; i++)
        if (columns[i])
            return false;
    return true;
}

static bool read_block(struct avro_file *file, struct sink *const *columns, uint64_t room,
                       uint64_t *rows, GError **error)
{
    bool counted = is_counted(file, columns);
    for (; *rows < room && file->left > 0; file->left--, ++*rows)
        if (!counted && !read_row(file, columns, *rows, error))
            return false;
    return true;
}

bool avro_file_read(struct avro_file *file, struct sink *const *columns, uint64_t room,
                    uint64_t *rows, GError **error)
{
    while (*rows < room) {
        if (!file->left && !next_block(file, error))
            return false;
        bool over = !file->left &&
                    (position(file) >= file->size || (file->to >= 0 && file->marker >= file->to));
        if (over)
            return true;
        if (!read_block(file, columns, room, rows, error))
            return false;
    }
    return true;
}
