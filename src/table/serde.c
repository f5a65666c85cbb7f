#include "table/serde.h"

#include <stdlib.h>
#include <string.h>

#include "base/error.h"

static const struct serde_kind *const kinds[] = {
    [RELATION_DELIMITED] = &serde_delimited, [RELATION_CSV] = &serde_csv,
    [RELATION_REGEX] = &serde_regex,         [RELATION_GROK] = &serde_grok,
    [RELATION_JSON] = &serde_json,
};

struct serde *serde_open(const struct relation *relation, GError **error)
{
    struct serde *serde = g_new0(struct serde, 1);
    serde->relation = relation;
    serde->kind = kinds[relation->format];
    serde->heads = atoll(relation_option(relation, "skip.header.line.count", "0"));
    if (!serde->kind->open || serde->kind->open(serde, error))
        return serde;
    serde_close(serde);
    return NULL;
}

void serde_close(struct serde *serde)
{
    if (serde && serde->kind->close)
        serde->kind->close(serde);
    g_free(serde);
}

void serde_begin(const struct serde *serde, struct serde_work *work)
{
    work->scratch = g_string_new(NULL);
    work->fields = g_array_new(FALSE, TRUE, sizeof(struct serde_field));
    g_array_set_size(work->fields, (guint)serde->relation->column_count);
    if (serde->kind->begin)
        serde->kind->begin(serde, work);
}

void serde_end(const struct serde *serde, struct serde_work *work)
{
    if (work->scratch && serde->kind->end)
        serde->kind->end(work);
    if (work->scratch)
        g_string_free(work->scratch, TRUE);
    if (work->fields)
        g_array_unref(work->fields);
    *work = (struct serde_work){0};
}

/* Trino's error for a text that is no value of the column's type. */
static bool fail_value(const struct serde_field *field, size_t column, const char *type,
                       GError **error)
{
    return error_set(error, ERROR_VALIDATION,
                     "HIVE_BAD_DATA: Error parsing field value '%.*s' for field %zu: For input "
                     "string: \"%.*s\"%s",
                     (int)MIN(field->size, 500), field->bytes, column, (int)MIN(field->size, 500),
                     field->bytes, type);
}

static bool set_moment(struct sink *sink, uint64_t row, const struct serde_field *field)
{
    int64_t number;
    if (!read_integer(field->bytes, field->size, &number) || memchr(field->bytes, '.', field->size))
        return false;
    return sink_integer(sink, row, sink->type->kind == SQL_DATE ? number : number * 1000);
}

bool serde_set_fields(const struct serde *serde, const struct serde_work *work,
                      struct sink *const *columns, uint64_t row, GError **error)
{
    for (size_t i = 0; i < serde->relation->column_count; i++) {
        const struct serde_field *field = &g_array_index(work->fields, struct serde_field, i);
        struct sink *sink = columns[i];
        if (!sink)
            continue;
        if (!field->bytes) {
            sink_null(sink, row);
            continue;
        }
        bool moment = sink->type->kind == SQL_DATE || sink->type->kind == SQL_TIMESTAMP;
        bool set = moment && serde->relation->format == RELATION_CSV
                       ? set_moment(sink, row, field)
                       : sink_parse(sink, row, field->bytes, field->size);
        if (!set && serde->kind->forgives)
            sink_null(sink, row);
        else if (!set)
            return fail_value(field, i, "", error);
    }
    return true;
}
