/* Parquet: the schema in a file's footer, in Thrift's compact protocol, of which only that is read.
 * Nothing is believed: each step is held against the bytes that are there. */
#include <string.h>

#include "crawl/classify_inside.h"

#define MOST_ELEMENTS 20000
#define DEEPEST 40
#define INPUT "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat"
#define OUTPUT "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat"
#define SERDE "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"

/* ---- Thrift's compact protocol ---- */

enum thrift {
    THRIFT_STOP,
    THRIFT_TRUE,
    THRIFT_FALSE,
    THRIFT_BYTE,
    THRIFT_I16,
    THRIFT_I32,
    THRIFT_I64,
    THRIFT_DOUBLE,
    THRIFT_BINARY,
    THRIFT_LIST,
    THRIFT_SET,
    THRIFT_MAP,
    THRIFT_STRUCT
};

struct thrift_reader {
    const unsigned char *at, *end;
    bool failed;
};

static unsigned char read_byte(struct thrift_reader *reader)
{
    reader->failed |= reader->at >= reader->end;
    return reader->failed ? 0 : *reader->at++;
}

static guint64 read_varint(struct thrift_reader *reader)
{
    guint64 value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        unsigned char byte = read_byte(reader);
        value |= (guint64)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return value;
    }
    reader->failed = true;
    return 0;
}

static gint64 read_integer(struct thrift_reader *reader)
{
    guint64 value = read_varint(reader);
    return (gint64)(value >> 1) ^ -(gint64)(value & 1);
}

static void skip_bytes(struct thrift_reader *reader, guint64 size)
{
    if (size > (guint64)(reader->end - reader->at))
        reader->failed = true;
    else
        reader->at += size;
}

/* The next field of a struct; false at its end. */
static bool read_field(struct thrift_reader *reader, int *id, enum thrift *type)
{
    unsigned char byte = read_byte(reader);
    *type = byte & 0x0f;
    if (reader->failed || *type == THRIFT_STOP)
        return false;
    *id = byte >> 4 ? *id + (byte >> 4) : (int)(gint16)read_integer(reader);
    return !reader->failed;
}

static guint64 read_list(struct thrift_reader *reader, enum thrift *type)
{
    unsigned char byte = read_byte(reader);
    *type = byte & 0x0f;
    return byte >> 4 == 15 ? read_varint(reader) : byte >> 4;
}

static void skip(struct thrift_reader *reader, enum thrift type, int depth);

static void skip_list(struct thrift_reader *reader, int depth)
{
    enum thrift type;
    guint64 count = read_list(reader, &type);
    for (guint64 i = 0; i < count && !reader->failed; i++)
        skip(reader, type == THRIFT_TRUE || type == THRIFT_FALSE ? THRIFT_BYTE : type, depth);
}

static void skip_struct(struct thrift_reader *reader, int depth)
{
    int id = 0;
    enum thrift type;
    while (read_field(reader, &id, &type))
        skip(reader, type, depth);
}

static void skip(struct thrift_reader *reader, enum thrift type, int depth)
{
    if (depth > DEEPEST) {
        reader->failed = true;
        return;
    }
    switch (type) {
    case THRIFT_TRUE:
    case THRIFT_FALSE:
        break;
    case THRIFT_BYTE:
        skip_bytes(reader, 1);
        break;
    case THRIFT_DOUBLE:
        skip_bytes(reader, 8);
        break;
    case THRIFT_BINARY:
        skip_bytes(reader, read_varint(reader));
        break;
    case THRIFT_LIST:
    case THRIFT_SET:
        skip_list(reader, depth + 1);
        break;
    case THRIFT_STRUCT:
        skip_struct(reader, depth + 1);
        break;
    case THRIFT_I16:
    case THRIFT_I32:
    case THRIFT_I64:
        read_varint(reader);
        break;
    default:
        reader->failed = true;
    }
}

/* ---- elements of a schema ---- */

enum physical { BOOLEAN, INT32, INT64, INT96, FLOAT, DOUBLE, BYTE_ARRAY, FIXED };
enum converted {
    UTF8,
    MAP,
    MAP_KEY_VALUE,
    LIST,
    ENUM,
    DECIMAL,
    DATE,
    TIMESTAMP_MILLIS = 9,
    TIMESTAMP_MICROS,
    UINT_8,
    UINT_16,
    UINT_32,
    UINT_64,
    INT_8,
    INT_16,
    JSON = 19,
};
enum logical {
    IS_STRING = 1,
    IS_MAP,
    IS_LIST,
    IS_ENUM,
    IS_DECIMAL,
    IS_DATE,
    IS_TIMESTAMP = 8,
    IS_INTEGER = 10,
    IS_JSON = 12,
    IS_UUID = 14,
};

struct element {
    int physical, converted, logical, repetition;
    gint64 children;
    int scale, precision, bits;
    bool is_unsigned;
    char *name;
};

static void clear_element(void *data)
{
    g_free(((struct element *)data)->name);
}

static char *read_text(struct thrift_reader *reader)
{
    guint64 size = read_varint(reader);
    const char *text = (const char *)reader->at;
    skip_bytes(reader, size);
    return reader->failed ? NULL : g_utf8_make_valid(text, (gssize)size);
}

static void read_logical_parts(struct thrift_reader *reader, struct element *element)
{
    int id = 0;
    enum thrift type;
    while (read_field(reader, &id, &type))
        if (element->logical == IS_DECIMAL && type == THRIFT_I32)
            *(id == 1 ? &element->scale : &element->precision) = (int)read_integer(reader);
        else if (element->logical == IS_INTEGER && id == 1 && type == THRIFT_BYTE)
            element->bits = read_byte(reader);
        else if (element->logical == IS_INTEGER && id == 2)
            element->is_unsigned = type == THRIFT_FALSE;
        else
            skip(reader, type, 0);
}

static void read_logical(struct thrift_reader *reader, struct element *element)
{
    int id = 0;
    enum thrift type;
    while (read_field(reader, &id, &type)) {
        element->logical = id;
        if (type == THRIFT_STRUCT)
            read_logical_parts(reader, element);
        else
            skip(reader, type, 0);
    }
}

static void read_element_field(struct thrift_reader *reader, struct element *element, int id,
                               enum thrift type)
{
    if (id == 4 && type == THRIFT_BINARY) {
        g_free(element->name);
        element->name = read_text(reader);
        return;
    }
    if (id == 10 && type == THRIFT_STRUCT) {
        read_logical(reader, element);
        return;
    }
    if (type != THRIFT_I32) {
        skip(reader, type, 0);
        return;
    }
    int value = (int)read_integer(reader);
    switch (id) {
    case 1:
        element->physical = value;
        break;
    case 3:
        element->repetition = value;
        break;
    case 5:
        element->children = value;
        break;
    case 6:
        element->converted = value;
        break;
    case 7:
        element->scale = value;
        break;
    case 8:
        element->precision = value;
        break;
    default:
        break;
    }
}

static void read_element(struct thrift_reader *reader, GArray *elements)
{
    struct element element = {.physical = -1, .converted = -1};
    int id = 0;
    enum thrift type;
    while (read_field(reader, &id, &type))
        read_element_field(reader, &element, id, type);
    if (!element.name)
        reader->failed = true;
    g_array_append_val(elements, element);
}

struct footer {
    GArray *elements;
    gint64 rows;
};

static void read_elements(struct thrift_reader *reader, GArray *elements)
{
    enum thrift type;
    guint64 count = read_list(reader, &type);
    reader->failed |= type != THRIFT_STRUCT || count > MOST_ELEMENTS;
    for (guint64 i = 0; i < count && !reader->failed; i++)
        read_element(reader, elements);
}

/* Up to the number of rows, which stands behind the schema. */
static bool read_footer(struct thrift_reader *reader, struct footer *footer)
{
    int id = 0;
    enum thrift type;
    while (id < 3 && read_field(reader, &id, &type))
        if (id == 2 && type == THRIFT_LIST)
            read_elements(reader, footer->elements);
        else if (id == 3 && type == THRIFT_I64)
            footer->rows = read_integer(reader);
        else
            skip(reader, type, 0);
    return !reader->failed && footer->elements->len > 1;
}

/* ---- in Hive's types ---- */

static struct type *decimal(const struct element *element)
{
    struct type *type = type_new(TYPE_DECIMAL);
    type->precision = element->precision;
    type->scale = element->scale;
    return type;
}

static struct type *other(const char *word)
{
    struct type *type = type_new(TYPE_OTHER);
    type->word = g_strdup(word);
    return type;
}

static struct type *integer(const struct element *element)
{
    bool is_unsigned =
        element->is_unsigned || (element->converted >= UINT_8 && element->converted <= UINT_64);
    int bits = element->bits;
    if (element->converted == INT_8 || element->converted == UINT_8)
        bits = 8;
    if (element->converted == INT_16 || element->converted == UINT_16)
        bits = 16;
    if (!bits)
        bits = element->physical == INT64 ? 64 : 32;
    bits *= 1 + is_unsigned; /* the next that holds all of them */
    if (bits <= 8)
        return other("tinyint");
    if (bits <= 16)
        return other("smallint");
    if (bits > 64)
        return type_parse("decimal(20,0)");
    return type_new(bits <= 32 ? TYPE_INT : TYPE_BIGINT);
}

static struct type *type_of_leaf(const struct element *element)
{
    static const enum type_kind kinds[] = {TYPE_BOOLEAN, TYPE_INT,    TYPE_BIGINT, TYPE_TIMESTAMP,
                                           TYPE_FLOAT,   TYPE_DOUBLE, TYPE_BINARY, TYPE_BINARY};
    int converted = element->converted, logical = element->logical;
    if (logical == IS_DECIMAL || converted == DECIMAL)
        return decimal(element);
    if (logical == IS_DATE || converted == DATE)
        return type_new(TYPE_DATE);
    if (logical == IS_TIMESTAMP || converted == TIMESTAMP_MILLIS || converted == TIMESTAMP_MICROS)
        return type_new(TYPE_TIMESTAMP);
    if (converted == UTF8 || converted == ENUM || converted == JSON || logical == IS_STRING ||
        logical == IS_ENUM || logical == IS_JSON || logical == IS_UUID)
        return type_new(TYPE_STRING);
    if (element->physical == INT32 || element->physical == INT64)
        return integer(element);
    return type_new(element->physical >= 0 && element->physical <= FIXED ? kinds[element->physical]
                                                                         : TYPE_BINARY);
}

static struct type *read_type(const GArray *elements, guint *at, int depth);

static struct type *read_struct(const GArray *elements, guint *at, gint64 children, int depth)
{
    struct type *type = type_new(TYPE_STRUCT);
    for (gint64 i = 0; i < children && *at < elements->len; i++) {
        const char *name = g_array_index(elements, struct element, *at).name;
        type_add(type, name, read_type(elements, at, depth + 1));
    }
    return type;
}

/* A list's group has one that is repeated, whose only field is the element; a map's has key and
 * value there. */
static struct type *unwrap(struct type *type, enum type_kind kind)
{
    struct type *middle = type->parts->len == 1 ? type->parts->pdata[0] : NULL;
    if (!middle || middle->kind != TYPE_ARRAY || !middle->parts->len)
        return type;
    struct type *inner = middle->parts->pdata[0];
    if (kind == TYPE_MAP && inner->kind == TYPE_STRUCT && inner->parts->len == 2) {
        struct type *map = type_new(TYPE_MAP);
        type_add(map, NULL, g_steal_pointer(&inner->parts->pdata[0]));
        type_add(map, NULL, g_steal_pointer(&inner->parts->pdata[1]));
        type_free(type);
        return map;
    }
    struct type *list = type_new(TYPE_ARRAY);
    bool wrapped = inner->kind == TYPE_STRUCT && inner->parts->len == 1;
    void **element = wrapped ? &inner->parts->pdata[0] : &middle->parts->pdata[0];
    type_add(list, NULL, g_steal_pointer(element));
    type_free(type);
    return list;
}

static struct type *read_type(const GArray *elements, guint *at, int depth)
{
    const struct element *element = &g_array_index(elements, struct element, (*at)++);
    struct type *type;
    if (depth > DEEPEST)
        return type_new(TYPE_STRING);
    if (!element->children) {
        type = type_of_leaf(element);
    } else {
        type = read_struct(elements, at, element->children, depth);
        if (element->logical == IS_LIST || element->converted == LIST)
            type = unwrap(type, TYPE_ARRAY);
        else if (element->logical == IS_MAP || element->converted == MAP ||
                 element->converted == MAP_KEY_VALUE)
            type = unwrap(type, TYPE_MAP);
    }
    if (element->repetition != 2)
        return type;
    struct type *list = type_new(TYPE_ARRAY);
    type_add(list, NULL, type);
    return list;
}

static json_t *schema_of(const struct footer *footer, gint64 size)
{
    guint at = 1;
    json_t *columns = json_array();
    const struct element *root = &g_array_index(footer->elements, struct element, 0);
    g_autoptr(type_auto) all = read_struct(footer->elements, &at, root->children, 0);
    for (guint i = 0; i < all->names->len; i++) {
        g_autofree char *name = g_utf8_strdown(all->names->pdata[i], -1);
        json_array_append_new(columns, column_new(name, all->parts->pdata[i]));
    }
    json_t *schema =
        schema_new("parquet", columns, SERDE, json_pack("{ss}", "serialization.format", "1"));
    json_object_set_new(schema, "InputFormat", json_string(INPUT));
    json_object_set_new(schema, "OutputFormat", json_string(OUTPUT));
    if (footer->rows > 0)
        json_object_set_new(schema, "RecordSize", json_integer(MAX(size / footer->rows, 1)));
    return schema;
}

json_t *classify_parquet(const struct sample *sample)
{
    if (sample->size < 4 || memcmp(sample->bytes, "PAR1", 4) != 0 || !sample->tail)
        return NULL;
    struct thrift_reader reader = {(const unsigned char *)sample->tail,
                                   (const unsigned char *)sample->tail + sample->tail_size, false};
    struct footer footer = {g_array_new(FALSE, FALSE, sizeof(struct element)), 0};
    g_array_set_clear_func(footer.elements, clear_element);
    json_t *schema = read_footer(&reader, &footer) ? schema_of(&footer, sample->file_size) : NULL;
    g_array_unref(footer.elements);
    return schema;
}
