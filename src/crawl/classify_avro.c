/* Avro: the schema is JSON in a file's head, which is all that is read. */
#include <string.h>

#include "crawl/classify_inside.h"

#define DEEPEST 40
#define MOST_TYPES 20000
#define SERDE "org.apache.hadoop.hive.serde2.avro.AvroSerDe"
#define INPUT "org.apache.hadoop.hive.ql.io.avro.AvroContainerInputFormat"
#define OUTPUT "org.apache.hadoop.hive.ql.io.avro.AvroContainerOutputFormat"

/* ---- the head ---- */

struct head {
    const unsigned char *at, *end;
    bool failed;
};

static gint64 read_long(struct head *head)
{
    guint64 value = 0;
    for (unsigned shift = 0; shift < 64 && head->at < head->end; shift += 7) {
        unsigned char byte = *head->at++;
        value |= (guint64)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return (gint64)(value >> 1) ^ -(gint64)(value & 1);
    }
    head->failed = true;
    return 0;
}

static const char *read_bytes(struct head *head, size_t *size)
{
    gint64 length = read_long(head);
    const char *bytes = (const char *)head->at;
    if (head->failed || length < 0 || length > head->end - head->at) {
        head->failed = true;
        return NULL;
    }
    *size = (size_t)length;
    head->at += length;
    return bytes;
}

static bool is_schema(const char *key, size_t size)
{
    return size == strlen("avro.schema") && memcmp(key, "avro.schema", size) == 0;
}

/* Of the head's map of texts; NULL where it has none. */
static const char *find_schema(struct head *head, size_t *size)
{
    gint64 count;
    while (!head->failed && (count = read_long(head)) != 0) {
        if (count < 0)
            read_long(head);
        for (count = ABS(count); count > 0 && !head->failed; count--) {
            size_t key_size;
            const char *key = read_bytes(head, &key_size);
            const char *value = key ? read_bytes(head, size) : NULL;
            if (value && is_schema(key, key_size))
                return value;
        }
    }
    return NULL;
}

/* ---- types ---- */

struct names {
    GHashTable *named; /* the schemas of records, enumerations and fixed ones, by their names */
    int depth, made;
};

static struct type *type_of(const json_t *schema, struct names *names);

static struct type *logical_type(const json_t *schema)
{
    const char *logical = json_text_at(schema, "logicalType");
    if (!logical)
        return NULL;
    if (strcmp(logical, "date") == 0)
        return type_new(TYPE_DATE);
    if (g_str_has_prefix(logical, "timestamp-") || g_str_has_prefix(logical, "local-timestamp-"))
        return type_new(TYPE_TIMESTAMP);
    if (strcmp(logical, "decimal") != 0)
        return NULL;
    struct type *type = type_new(TYPE_DECIMAL);
    type->precision = (int)json_integer_at(schema, "precision", 10);
    type->scale = (int)json_integer_at(schema, "scale", 0);
    return type;
}

static struct type *type_of_record(const json_t *schema, struct names *names)
{
    struct type *type = type_new(TYPE_STRUCT);
    size_t i;
    const json_t *field;
    json_array_foreach(json_object_get(schema, "fields"), i, field)
    {
        const char *name = json_text_at(field, "name");
        if (name)
            type_add(type, name, type_of(json_object_get(field, "type"), names));
    }
    return type;
}

/* What is null or of one type is of that; of several, a text. */
static struct type *type_of_union(const json_t *schema, struct names *names)
{
    struct type *type = type_new(TYPE_NONE);
    size_t i;
    const json_t *part;
    json_array_foreach((json_t *)schema, i, part) type = type_merge(type, type_of(part, names));
    return type;
}

static struct type *type_of_word(const char *word, struct names *names)
{
    static const struct {
        const char *word;
        enum type_kind kind;
    } words[] = {{"null", TYPE_NONE},    {"boolean", TYPE_BOOLEAN}, {"int", TYPE_INT},
                 {"long", TYPE_BIGINT},  {"float", TYPE_FLOAT},     {"double", TYPE_DOUBLE},
                 {"bytes", TYPE_BINARY}, {"string", TYPE_STRING},   {"enum", TYPE_STRING},
                 {"fixed", TYPE_BINARY}};
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (strcmp(words[i].word, word) == 0)
            return type_new(words[i].kind);
    const json_t *named = g_hash_table_lookup(names->named, word);
    return named ? type_of(named, names) : type_new(TYPE_STRING);
}

static void remember(const json_t *schema, struct names *names)
{
    const char *name = json_text_at(schema, "name"), *space = json_text_at(schema, "namespace");
    if (!name || !json_object_get(schema, "type"))
        return;
    g_hash_table_insert(names->named, g_strdup(name), (void *)schema);
    if (space)
        g_hash_table_insert(names->named, g_strconcat(space, ".", name, NULL), (void *)schema);
}

static struct type *type_of_object(const json_t *schema, struct names *names)
{
    const json_t *kind = json_object_get(schema, "type");
    const char *word = json_string_value(kind);
    struct type *type = logical_type(schema);
    if (type)
        return type;
    remember(schema, names);
    if (!word)
        return type_of(kind, names);
    if (strcmp(word, "record") == 0)
        return type_of_record(schema, names);
    if (strcmp(word, "array") != 0 && strcmp(word, "map") != 0)
        return type_of_word(word, names);
    bool is_map = *word == 'm';
    type = type_new(is_map ? TYPE_MAP : TYPE_ARRAY);
    if (is_map)
        type_add(type, NULL, type_new(TYPE_STRING));
    type_add(type, NULL, type_of(json_object_get(schema, is_map ? "values" : "items"), names));
    return type;
}

static struct type *type_of(const json_t *schema, struct names *names)
{
    struct type *type;
    /* a record in itself has no end */
    if (!schema || names->depth > DEEPEST || names->made++ > MOST_TYPES)
        return type_new(TYPE_STRING);
    names->depth++;
    if (json_is_string(schema))
        type = type_of_word(json_string_value(schema), names);
    else
        type = json_is_array(schema) ? type_of_union(schema, names) : type_of_object(schema, names);
    names->depth--;
    return type;
}

static json_t *schema_of(const json_t *avro, const char *text)
{
    struct names names = {g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL), 0, 0};
    g_autoptr(type_auto) all = type_of(avro, &names);
    json_t *columns = json_array();
    for (guint i = 0; all->kind == TYPE_STRUCT && i < all->names->len; i++) {
        g_autofree char *name = g_utf8_strdown(all->names->pdata[i], -1);
        json_array_append_new(columns, column_new(name, all->parts->pdata[i]));
    }
    g_hash_table_unref(names.named);
    json_t *schema =
        schema_new("avro", columns, SERDE,
                   json_pack("{ssss}", "avro.schema.literal", text, "serialization.format", "1"));
    json_object_set_new(schema, "InputFormat", json_string(INPUT));
    json_object_set_new(schema, "OutputFormat", json_string(OUTPUT));
    return schema;
}

json_t *classify_avro(const struct sample *sample)
{
    if (sample->size < 4 || memcmp(sample->bytes, "Obj\1", 4) != 0)
        return NULL;
    struct head head = {(const unsigned char *)sample->bytes + 4,
                        (const unsigned char *)sample->bytes + sample->size, false};
    size_t size = 0;
    const char *text = find_schema(&head, &size);
    g_autoptr(json_auto) avro = text ? json_loadb(text, size, JSON_DECODE_ANY, NULL) : NULL;
    if (!avro)
        return NULL;
    g_autofree char *copy = g_strndup(text, size);
    json_t *schema = schema_of(avro, copy);
    if (json_array_size(json_object_get(schema, "Columns")))
        return schema;
    json_decref(schema);
    return NULL;
}
