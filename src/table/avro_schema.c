/* Avro's schemas: JSON to types. */
#include <string.h>

#include "base/error.h"
#include "table/avro_inside.h"

enum { DEEPEST = 100 };

struct avro_schema {
    struct arena arena;
    GHashTable *named; /* records, enumerations and fixed ones, by their full names */
    struct avro_type *root;
};

static const char *const words[] = {"null",   "boolean", "int",    "long",  "float",
                                    "double", "bytes",   "string", "fixed", "enum",
                                    "array",  "map",     "record", "union"};

const char *avro_kind_name(enum avro_kind kind)
{
    return words[kind];
}

struct place {
    struct avro_schema *schema;
    const char *space; /* the namespace that names without one are of */
    int depth;
    GError **error;
};

static struct avro_type *read_type(const struct place *outer, const json_t *json);

static bool wrong(const struct place *place, const char *what, const char *which)
{
    return error_set(place->error, ERROR_VALIDATION, "its schema has %s '%s'", what, which);
}

static struct avro_type *new_type(const struct place *place, enum avro_kind kind, size_t count)
{
    struct avro_type *type = arena_take(&place->schema->arena, 1, sizeof *type);
    type->kind = kind;
    type->count = count;
    type->parts = arena_take(&place->schema->arena, count + 1, sizeof *type->parts);
    type->names = arena_take(&place->schema->arena, count + 1, sizeof *type->names);
    return type;
}

static const char *kept(const struct place *place, const char *text)
{
    return arena_copy(&place->schema->arena, text, strlen(text));
}

/* ---- names ---- */

static char *full_name(const struct place *place, const char *name)
{
    bool whole = strchr(name, '.') || !place->space || !*place->space;
    return whole ? g_strdup(name) : g_strconcat(place->space, ".", name, NULL);
}

static struct avro_type *find_named(const struct place *place, const char *name)
{
    g_autofree char *full = full_name(place, name);
    struct avro_type *type = g_hash_table_lookup(place->schema->named, full);
    return type ? type : g_hash_table_lookup(place->schema->named, name);
}

/* Makes the type known before its fields are read, which may be of it; what is in it has its
 * namespace. */
static void make_known(struct place *place, const json_t *json, struct avro_type *type)
{
    const char *name = json_text_at(json, "name"), *space = json_text_at(json, "namespace");
    if (!name)
        return;
    place->space = space ? space : place->space;
    char *full = full_name(place, name);
    const char *dot = strrchr(full, '.');
    place->space =
        dot ? arena_copy(&place->schema->arena, full, (size_t)(dot - full)) : place->space;
    g_hash_table_insert(place->schema->named, full, type);
}

/* ---- kinds ---- */

static struct avro_type *read_word(const struct place *place, const char *word)
{
    for (size_t i = 0; i < AVRO_FIXED; i++)
        if (strcmp(words[i], word) == 0)
            return new_type(place, (enum avro_kind)i, 0);
    struct avro_type *type = find_named(place, word);
    if (!type)
        wrong(place, "the unknown type", word);
    return type;
}

static void set_decimal(struct avro_type *type, const json_t *json)
{
    gint64 scale = json_integer_at(json, "scale", 0);
    if ((type->kind != AVRO_BYTES && type->kind != AVRO_FIXED) || scale < 0 || scale > 38)
        return;
    type->logical = AVRO_DECIMAL;
    type->scale = (int)scale;
}

/* A logical type over another than its own base is none, as Avro says. */
static void set_logical(struct avro_type *type, const json_t *json)
{
    static const struct {
        const char *name;
        enum avro_kind kind;
        enum avro_logical logical;
    } logicals[] = {
        {"date", AVRO_INT, AVRO_DATE},
        {"timestamp-millis", AVRO_LONG, AVRO_MILLIS},
        {"timestamp-micros", AVRO_LONG, AVRO_MICROS},
        {"timestamp-nanos", AVRO_LONG, AVRO_NANOS},
        {"local-timestamp-millis", AVRO_LONG, AVRO_MILLIS},
        {"local-timestamp-micros", AVRO_LONG, AVRO_MICROS},
        {"local-timestamp-nanos", AVRO_LONG, AVRO_NANOS},
    };
    const char *name = json_text_at(json, "logicalType");
    for (size_t i = 0; name && i < G_N_ELEMENTS(logicals); i++)
        if (strcmp(logicals[i].name, name) == 0 && logicals[i].kind == type->kind)
            type->logical = logicals[i].logical;
    if (name && strcmp(name, "decimal") == 0)
        set_decimal(type, json);
}

static struct avro_type *read_record(struct place *place, const json_t *json)
{
    const json_t *fields = json_object_get(json, "fields"), *field;
    struct avro_type *type = new_type(place, AVRO_RECORD, json_array_size(fields));
    make_known(place, json, type);
    size_t i;
    json_array_foreach(fields, i, field)
    {
        const char *name = json_text_at(field, "name");
        type->names[i] = name ? kept(place, name) : "";
        type->parts[i] = read_type(place, json_object_get(field, "type"));
        if (!type->parts[i])
            return NULL;
    }
    return type;
}

static struct avro_type *read_enum(struct place *place, const json_t *json)
{
    const json_t *symbols = json_object_get(json, "symbols"), *symbol;
    struct avro_type *type = new_type(place, AVRO_ENUM, json_array_size(symbols));
    make_known(place, json, type);
    size_t i;
    json_array_foreach(symbols, i, symbol)
    {
        const char *word = json_string_value(symbol);
        type->names[i] = kept(place, word ? word : "");
    }
    return type;
}

static struct avro_type *read_fixed(struct place *place, const json_t *json)
{
    struct avro_type *type = new_type(place, AVRO_FIXED, 0);
    type->size = json_integer_at(json, "size", -1);
    if (type->size < 0) {
        wrong(place, "no size of the fixed type", json_text_at(json, "name"));
        return NULL;
    }
    make_known(place, json, type);
    return type;
}

static struct avro_type *read_holder(struct place *place, const json_t *json, enum avro_kind kind)
{
    struct avro_type *type = new_type(place, kind, 1);
    type->parts[0] = read_type(place, json_object_get(json, kind == AVRO_MAP ? "values" : "items"));
    return type->parts[0] ? type : NULL;
}

static struct avro_type *read_union(struct place *place, const json_t *json)
{
    struct avro_type *type = new_type(place, AVRO_UNION, json_array_size(json));
    size_t i;
    const json_t *branch;
    json_array_foreach(json, i, branch)
    {
        type->parts[i] = read_type(place, branch);
        if (!type->parts[i])
            return NULL;
    }
    return type;
}

static struct avro_type *read_object(struct place *place, const json_t *json)
{
    const json_t *kind = json_object_get(json, "type");
    const char *word = json_string_value(kind);
    if (!word)
        return read_type(place, kind);
    if (strcmp(word, "record") == 0 || strcmp(word, "error") == 0)
        return read_record(place, json);
    if (strcmp(word, "enum") == 0)
        return read_enum(place, json);
    if (strcmp(word, "array") == 0 || strcmp(word, "map") == 0)
        return read_holder(place, json, *word == 'm' ? AVRO_MAP : AVRO_ARRAY);
    struct avro_type *type =
        strcmp(word, "fixed") == 0 ? read_fixed(place, json) : read_word(place, word);
    if (type && (type->kind < AVRO_ENUM))
        set_logical(type, json);
    return type;
}

static struct avro_type *read_type(const struct place *outer, const json_t *json)
{
    struct place place = *outer;
    if (++place.depth > DEEPEST) {
        wrong(outer, "more in one another than", "100 types");
        return NULL;
    }
    if (json_is_string(json))
        return read_word(&place, json_string_value(json));
    if (json_is_array(json))
        return read_union(&place, json);
    if (json_is_object(json))
        return read_object(&place, json);
    wrong(outer, "a type that is neither a name nor", "an object or a list");
    return NULL;
}

/* ---- the whole ---- */

struct avro_schema *avro_schema_read(const char *text, size_t size, GError **error)
{
    g_autoptr(json_auto) json = json_loadb(text, size, JSON_DECODE_ANY, NULL);
    if (!json) {
        error_set(error, ERROR_VALIDATION, "its schema is no JSON");
        return NULL;
    }
    struct avro_schema *schema = g_new0(struct avro_schema, 1);
    schema->named = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    struct place place = {schema, NULL, 0, error};
    schema->root = read_type(&place, json);
    if (schema->root && schema->root->kind == AVRO_RECORD)
        return schema;
    if (schema->root)
        wrong(&place, "no record at its top but the type", words[schema->root->kind]);
    avro_schema_free(schema);
    return NULL;
}

const struct avro_type *avro_schema_type(const struct avro_schema *schema)
{
    return schema->root;
}

void avro_schema_free(struct avro_schema *schema)
{
    if (!schema)
        return;
    g_hash_table_unref(schema->named);
    arena_free(&schema->arena);
    g_free(schema);
}
