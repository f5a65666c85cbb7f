#include "crawl/type.h"

#include <stdlib.h>
#include <string.h>

#define DEEPEST 100

static const char *const words[] = {
    [TYPE_NONE] = "string",   [TYPE_BOOLEAN] = "boolean",     [TYPE_INT] = "int",
    [TYPE_BIGINT] = "bigint", [TYPE_FLOAT] = "float",         [TYPE_DOUBLE] = "double",
    [TYPE_DATE] = "date",     [TYPE_TIMESTAMP] = "timestamp", [TYPE_BINARY] = "binary",
    [TYPE_STRING] = "string",
};

static void free_part(void *part)
{
    type_free(part);
}

struct type *type_new(enum type_kind kind)
{
    struct type *type = g_new0(struct type, 1);
    type->kind = kind;
    type->names = g_ptr_array_new_with_free_func(g_free);
    type->parts = g_ptr_array_new_with_free_func(free_part);
    return type;
}

void type_free(struct type *type)
{
    if (!type)
        return;
    g_ptr_array_unref(type->names);
    g_ptr_array_unref(type->parts);
    g_free(type->word);
    g_free(type);
}

static int place_of(const struct type *type, const char *name)
{
    for (guint i = 0; i < type->names->len; i++)
        if (g_ascii_strcasecmp(type->names->pdata[i], name) == 0)
            return (int)i;
    return -1;
}

struct type *type_field(const struct type *type, const char *name)
{
    int place = place_of(type, name);
    return place < 0 ? NULL : type->parts->pdata[place];
}

void type_add(struct type *type, const char *name, struct type *part)
{
    if (name)
        g_ptr_array_add(type->names, g_strdup(name));
    g_ptr_array_add(type->parts, part);
}

/* ---- merging ---- */

static struct type *either(struct type *kept, struct type *other)
{
    type_free(other);
    return kept;
}

static struct type *merge_structs(struct type *a, struct type *b)
{
    for (guint i = 0; i < b->names->len; i++) {
        int place = place_of(a, b->names->pdata[i]);
        struct type *part = g_steal_pointer(&b->parts->pdata[i]);
        if (place < 0)
            type_add(a, b->names->pdata[i], part);
        else
            a->parts->pdata[place] = type_merge(a->parts->pdata[place], part);
    }
    return either(a, b);
}

static struct type *merge_parts(struct type *a, struct type *b)
{
    for (guint i = 0; i < MIN(a->parts->len, b->parts->len); i++) {
        struct type *part = g_steal_pointer(&b->parts->pdata[i]);
        a->parts->pdata[i] = type_merge(a->parts->pdata[i], part);
    }
    return either(a, b);
}

static struct type *merge_decimals(struct type *a, struct type *b)
{
    int whole = MAX(a->precision - a->scale, b->precision - b->scale);
    a->scale = MAX(a->scale, b->scale);
    a->precision = MIN(38, whole + a->scale);
    return either(a, b);
}

static bool is_number(const struct type *type)
{
    return type->kind >= TYPE_INT && type->kind <= TYPE_DOUBLE;
}

/* Whole numbers and fractions: doubles; of decimals too, whose digits would not fit. */
static struct type *merge_numbers(struct type *a, struct type *b)
{
    struct type *wide = a->kind > b->kind ? a : b;
    struct type *narrow = wide == a ? b : a;
    if (wide->kind >= TYPE_DECIMAL)
        wide->kind = TYPE_DOUBLE;
    return either(wide, narrow);
}

static struct type *merge_same(struct type *a, struct type *b)
{
    if (a->kind == TYPE_STRUCT)
        return merge_structs(a, b);
    if (a->kind == TYPE_DECIMAL)
        return merge_decimals(a, b);
    if (a->kind == TYPE_OTHER && g_strcmp0(a->word, b->word) != 0)
        a->kind = TYPE_STRING;
    return merge_parts(a, b);
}

struct type *type_merge(struct type *a, struct type *b)
{
    if (a->kind == TYPE_NONE || b->kind == TYPE_NONE)
        return a->kind == TYPE_NONE ? either(b, a) : either(a, b);
    if (a->kind == b->kind)
        return merge_same(a, b);
    if (is_number(a) && is_number(b))
        return merge_numbers(a, b);
    type_free(a);
    type_free(b);
    return type_new(TYPE_STRING);
}

bool type_is_like(const struct type *a, const struct type *b)
{
    return a->kind == b->kind || a->kind == TYPE_NONE || b->kind == TYPE_NONE ||
           (is_number(a) && is_number(b));
}

/* ---- reading ---- */

static struct type *read_type(const char **at, int depth);

/* A name up to one of `ends`. */
static char *read_word(const char **at, const char *ends)
{
    size_t size = strcspn(*at, ends);
    char *word = g_strstrip(g_strndup(*at, size));
    *at += size;
    return word;
}

static void read_fields(const char **at, struct type *type, int depth)
{
    while (**at && **at != '>') {
        g_autofree char *name = read_word(at, ":>");
        *at += **at == ':';
        type_add(type, name, read_type(at, depth));
        *at += **at == ',';
    }
}

static void read_parts(const char **at, struct type *type, int depth)
{
    while (**at && **at != '>') {
        type_add(type, NULL, read_type(at, depth));
        *at += **at == ',';
    }
}

static struct type *read_nested(const char **at, const char *word, int depth)
{
    enum type_kind kind = strcmp(word, "array") == 0 ? TYPE_ARRAY
                          : strcmp(word, "map") == 0 ? TYPE_MAP
                                                     : TYPE_STRUCT;
    struct type *type = type_new(kind);
    ++*at;
    if (kind == TYPE_STRUCT)
        read_fields(at, type, depth + 1);
    else
        read_parts(at, type, depth + 1);
    *at += **at == '>';
    return type;
}

static struct type *read_decimal(const char **at)
{
    struct type *type = type_new(TYPE_DECIMAL);
    char *end;
    type->precision = 10;
    if (**at != '(')
        return type;
    type->precision = (int)strtol(*at + 1, &end, 10);
    type->scale = *end == ',' ? (int)strtol(end + 1, &end, 10) : 0;
    *at = *end == ')' ? end + 1 : end;
    return type;
}

static struct type *read_plain(const char **at, const char *word)
{
    if (strcmp(word, "decimal") == 0)
        return read_decimal(at);
    for (enum type_kind kind = TYPE_BOOLEAN; kind <= TYPE_STRING; kind++)
        if (words[kind] && strcmp(words[kind], word) == 0)
            return type_new(kind);
    struct type *type = type_new(TYPE_OTHER);
    g_autofree char *rest = **at == '(' ? read_word(at, ")") : NULL;
    *at += **at == ')';
    type->word = g_strconcat(word, rest ? rest : "", rest ? ")" : "", NULL);
    return type;
}

static struct type *read_type(const char **at, int depth)
{
    g_autofree char *word = read_word(at, "<>(,:");
    if (depth > DEEPEST)
        return type_new(TYPE_STRING);
    if (**at == '<')
        return read_nested(at, word, depth);
    return read_plain(at, word);
}

struct type *type_parse(const char *text)
{
    g_autofree char *folded = g_ascii_strdown(text, -1);
    const char *at = folded;
    return read_type(&at, 0);
}

/* ---- writing ---- */

static void write_type(GString *text, const struct type *type);

/* In lower case, without what divides parts of types. */
static void write_name(GString *text, const char *name)
{
    g_autofree char *folded = g_utf8_strdown(name, -1);
    g_string_append(text, g_strdelimit(folded, "<>,:() \t\r\n", '_'));
}

static void write_parts(GString *text, const char *word, const struct type *type)
{
    g_string_append_printf(text, "%s<", word);
    for (guint i = 0; i < type->parts->len; i++) {
        if (i)
            g_string_append_c(text, ',');
        if (type->kind == TYPE_STRUCT) {
            write_name(text, type->names->pdata[i]);
            g_string_append_c(text, ':');
        }
        write_type(text, type->parts->pdata[i]);
    }
    g_string_append_c(text, '>');
}

static void write_type(GString *text, const struct type *type)
{
    switch (type->kind) {
    case TYPE_ARRAY:
        write_parts(text, "array", type);
        break;
    case TYPE_MAP:
        write_parts(text, "map", type);
        break;
    case TYPE_STRUCT:
        write_parts(text, "struct", type);
        break;
    case TYPE_DECIMAL:
        g_string_append_printf(text, "decimal(%d,%d)", type->precision, type->scale);
        break;
    default:
        g_string_append(text, type->kind == TYPE_OTHER ? type->word : words[type->kind]);
    }
}

char *type_text(const struct type *type)
{
    GString *text = g_string_new(NULL);
    write_type(text, type);
    return g_string_free(text, FALSE);
}
