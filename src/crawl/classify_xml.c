/* XML: an element of a user's choice is a row; what is in it are its columns. */
#include <string.h>

#include "crawl/classify_inside.h"

#define DEEPEST 50

/* An element under way. */
struct frame {
    char *name;
    struct type *type; /* a struct of what is in it */
    GString *text;
};

struct walk {
    const char *row_tag;
    GArray *frames; /* of the row and what is in it */
    struct type *all;
    size_t rows;
};

static struct type *type_of_text(const char *text)
{
    char *end;
    if (!*text)
        return type_new(TYPE_NONE);
    g_ascii_strtoll(text, &end, 10);
    if (!*end)
        return type_new(TYPE_BIGINT);
    g_ascii_strtod(text, &end);
    return type_new(!*end && strpbrk(text, "0123456789") ? TYPE_DOUBLE : TYPE_STRING);
}

/* One that is there twice is an array. */
static void add_part(struct type *type, const char *name, struct type *part)
{
    for (guint i = 0; i < type->names->len; i++) {
        struct type *there = type->parts->pdata[i];
        if (strcmp(type->names->pdata[i], name) != 0)
            continue;
        if (there->kind == TYPE_ARRAY) {
            there->parts->pdata[0] = type_merge(there->parts->pdata[0], part);
            return;
        }
        struct type *list = type_new(TYPE_ARRAY);
        type_add(list, NULL, type_merge(there, part));
        type->parts->pdata[i] = list;
        return;
    }
    type_add(type, name, part);
}

static void begin(GMarkupParseContext *context, const char *name, const char **names,
                  const char **values, void *data, GError **error)
{
    struct walk *walk = data;
    (void)context;
    if (walk->frames->len > DEEPEST) {
        g_set_error(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "too deep");
        return;
    }
    if (!walk->frames->len && strcmp(name, walk->row_tag) != 0)
        return;
    struct frame frame = {g_strdup(name), type_new(TYPE_STRUCT), g_string_new(NULL)};
    for (size_t i = 0; names[i]; i++)
        add_part(frame.type, names[i], type_of_text(values[i]));
    g_array_append_val(walk->frames, frame);
}

static void text(GMarkupParseContext *context, const char *bytes, gsize size, void *data,
                 GError **error)
{
    struct walk *walk = data;
    (void)context;
    (void)error;
    if (walk->frames->len)
        g_string_append_len(g_array_index(walk->frames, struct frame, walk->frames->len - 1).text,
                            bytes, (gssize)size);
}

static struct type *end_frame(struct frame *frame)
{
    struct type *type = frame->type;
    char *plain = g_strstrip(frame->text->str);
    if (!type->names->len) {
        type_free(type);
        type = type_of_text(plain);
    } else if (*plain) {
        add_part(type, frame->name, type_of_text(plain));
    }
    g_string_free(frame->text, TRUE);
    return type;
}

static void end(GMarkupParseContext *context, const char *name, void *data, GError **error)
{
    struct walk *walk = data;
    (void)context;
    (void)name;
    (void)error;
    if (!walk->frames->len)
        return;
    struct frame frame = g_array_index(walk->frames, struct frame, walk->frames->len - 1);
    g_array_set_size(walk->frames, walk->frames->len - 1);
    struct type *type = end_frame(&frame);
    if (walk->frames->len) {
        add_part(g_array_index(walk->frames, struct frame, walk->frames->len - 1).type, frame.name,
                 type);
    } else if (type->kind == TYPE_STRUCT) {
        walk->all = walk->all ? type_merge(walk->all, type) : type;
        walk->rows++;
    } else {
        type_free(type);
    }
    g_free(frame.name);
}

static void free_frames(GArray *frames)
{
    for (guint i = 0; i < frames->len; i++) {
        struct frame *frame = &g_array_index(frames, struct frame, i);
        g_free(frame->name);
        type_free(frame->type);
        g_string_free(frame->text, TRUE);
    }
    g_array_unref(frames);
}

static json_t *schema_of(const struct walk *walk, const char *classification, size_t size)
{
    json_t *columns = json_array();
    for (guint i = 0; i < walk->all->names->len; i++) {
        g_autofree char *name = g_utf8_strdown(walk->all->names->pdata[i], -1);
        json_array_append_new(columns, column_new(name, walk->all->parts->pdata[i]));
    }
    json_t *schema =
        schema_new(classification, columns, NULL, json_pack("{ss}", "rowTag", walk->row_tag));
    json_object_set_new(json_object_get(schema, "Parameters"), "rowTag",
                        json_string(walk->row_tag));
    json_object_set_new(schema, "RecordSize", json_integer((json_int_t)(size / walk->rows)));
    return schema;
}

/* What is wrong behind the first row is no matter: the sample may be cut anywhere. */
json_t *classify_xml(const struct sample *sample, const char *classification, const char *row_tag)
{
    static const GMarkupParser parser = {begin, end, text, NULL, NULL};
    struct walk walk = {.row_tag = row_tag,
                        .frames = g_array_new(FALSE, FALSE, sizeof(struct frame))};
    if (!row_tag || !memchr(sample->bytes, '<', MIN(sample->size, 512))) {
        g_array_unref(walk.frames);
        return NULL;
    }
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &walk, NULL);
    g_markup_parse_context_parse(context, sample->bytes, (gssize)sample->size, NULL);
    g_markup_parse_context_free(context);
    json_t *schema = walk.rows ? schema_of(&walk, classification, sample->size) : NULL;
    free_frames(walk.frames);
    type_free(walk.all);
    return schema;
}
