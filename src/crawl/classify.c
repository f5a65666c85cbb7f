#include "crawl/classify.h"

#include <string.h>

#include "base/error.h"
#include "crawl/classify_inside.h"

json_t *column_new(const char *name, const struct type *type)
{
    json_t *column = json_pack("{ss}", "Name", name);
    g_autofree char *text = type && type->kind != TYPE_NONE ? type_text(type) : NULL;
    if (text)
        json_object_set_new(column, "Type", json_string(text));
    return column;
}

json_t *schema_new(const char *classification, json_t *columns, const char *serde,
                   json_t *serde_parameters)
{
    return json_pack("{s:s, s:o, s:{s:s*, s:o}, s:s, s:s, s:{}}", "Classification", classification,
                     "Columns", columns, "Serde", "SerializationLibrary", serde, "Parameters",
                     serde_parameters, "InputFormat", TEXT_INPUT, "OutputFormat", TEXT_OUTPUT,
                     "Parameters");
}

/* One that is cut off is none, unless it is the file's last. */
bool next_line(const struct sample *sample, size_t *position, struct line *line)
{
    if (*position >= sample->size)
        return false;
    line->at = sample->bytes + *position;
    const char *end = memchr(line->at, '\n', sample->size - *position);
    if (!end && !sample->whole)
        return false;
    line->size = end ? (size_t)(end - line->at) : sample->size - *position;
    *position += line->size + (end != NULL);
    if (line->size && line->at[line->size - 1] == '\r')
        line->size--;
    return true;
}

bool sample_piece(const struct sample *sample, size_t place, struct sample *piece)
{
    const char *bytes = sample->pieces[place].bytes;
    size_t size = sample->pieces[place].size;
    const char *first = bytes ? memchr(bytes, '\n', size) : NULL;
    const char *last = bytes ? g_strrstr_len(bytes, (gssize)size, "\n") : NULL;
    if (!first || first == last)
        return false;
    *piece = (struct sample){
        .key = sample->key, .bytes = first + 1, .size = (size_t)(last - first), .whole = true};
    return true;
}

/* ---- users' classifiers ---- */

struct classifier {
    const json_t *body; /* {"CsvClassifier": {...}} */
    struct grok *grok;
};

struct classifiers {
    json_t *list;
    GArray *all;
};

static bool read_classifier(const json_t *body, struct classifier *classifier, GError **error)
{
    const json_t *grok = json_object_get(body, "GrokClassifier");
    *classifier = (struct classifier){.body = body};
    if (!grok)
        return true;
    classifier->grok =
        grok_new(json_text_at(grok, "Classification"), json_text_at(grok, "GrokPattern"),
                 json_text_at(grok, "CustomPatterns"), error);
    return classifier->grok != NULL;
}

struct classifiers *classifiers_new(const json_t *list, GError **error)
{
    struct classifiers *classifiers = g_new0(struct classifiers, 1);
    classifiers->list = json_incref((json_t *)list);
    classifiers->all = g_array_new(FALSE, FALSE, sizeof(struct classifier));
    size_t i;
    const json_t *body;
    json_array_foreach((json_t *)list, i, body)
    {
        struct classifier one;
        if (!read_classifier(body, &one, error)) {
            classifiers_free(classifiers);
            return NULL;
        }
        g_array_append_val(classifiers->all, one);
    }
    return classifiers;
}

void classifiers_free(struct classifiers *classifiers)
{
    if (!classifiers)
        return;
    for (guint i = 0; i < classifiers->all->len; i++)
        grok_free(g_array_index(classifiers->all, struct classifier, i).grok);
    g_array_unref(classifiers->all);
    json_decref(classifiers->list);
    g_free(classifiers);
}

bool classifier_check(const json_t *classifier, GError **error)
{
    g_autoptr(json_auto) list = json_pack("[O]", classifier);
    const char *path = json_text_at(classifier, "JsonClassifier.JsonPath");
    struct classifiers *read = classifiers_new(list, error);
    classifiers_free(read);
    return read && (!path || json_path_check(path, error));
}

static json_t *apply(const struct classifier *classifier, const struct sample *sample)
{
    const json_t *csv = json_object_get(classifier->body, "CsvClassifier");
    const json_t *json = json_object_get(classifier->body, "JsonClassifier");
    const json_t *xml = json_object_get(classifier->body, "XMLClassifier");
    if (csv)
        return classify_csv(sample, csv);
    if (json)
        return classify_json(sample, json_text_at(json, "JsonPath"));
    if (xml)
        return classify_xml(sample, json_text_at(xml, "Classification"),
                            json_text_at(xml, "RowTag"));
    return classifier->grok ? classify_grok(sample, classifier->grok) : NULL;
}

/* ---- formats that are known by name ---- */

static bool begins_with(const struct sample *sample, const char *magic, size_t size)
{
    return sample->size >= size && memcmp(sample->bytes, magic, size) == 0;
}

static const char *refused_format(const struct sample *sample)
{
    static const struct {
        const char *magic;
        size_t size;
        const char *name;
    } magics[] = {{"ORC", 3, "ORC"},
                  {"\xe0\x01\x00\xea", 4, "Ion"},
                  {"BZh", 3, "bzip2"},
                  {"PK\3\4", 4, "ZIP"},
                  {"\x04\x22\x4d\x18", 4, "LZ4"},
                  {"\x28\xb5\x2f\xfd", 4, "Zstandard"},
                  {"\xff\x06\x00\x00sNaPpY", 10, "Snappy"},
                  {"SEQ\6", 4, "SequenceFile"},
                  {"Obj\4", 4, "RCFile"}};
    for (size_t i = 0; i < G_N_ELEMENTS(magics); i++)
        if (begins_with(sample, magics[i].magic, magics[i].size))
            return magics[i].name;
    return NULL;
}

/* What is told by bytes that no text has. */
static bool is_text(const struct sample *sample)
{
    return !memchr(sample->bytes, '\0', MIN(sample->size, 4096));
}

static json_t *classify_grok_built_in(const struct sample *sample)
{
    json_t *schema = NULL;
    for (const struct grok *const *grok = grok_built_in(); *grok && !schema; grok++)
        schema = classify_grok(sample, *grok);
    return schema;
}

static json_t *classify_built_in(const struct sample *sample, const char **refused)
{
    json_t *schema = classify_avro(sample);
    if (!schema)
        schema = classify_parquet(sample);
    if (schema || (*refused = refused_format(sample)) || !is_text(sample))
        return schema;
    schema = classify_json(sample, NULL);
    if (!schema)
        schema = classify_grok_built_in(sample);
    return schema ? schema : classify_csv(sample, NULL);
}

json_t *classify(const struct classifiers *classifiers, const struct sample *sample,
                 const char **refused)
{
    *refused = NULL;
    for (guint i = 0; classifiers && i < classifiers->all->len; i++) {
        json_t *schema = apply(&g_array_index(classifiers->all, struct classifier, i), sample);
        if (schema)
            return schema;
    }
    return classify_built_in(sample, refused);
}
