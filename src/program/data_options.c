#include "program/data_options.h"

#include <string.h>

#include "base/error.h"
#include "program/specification.h"

static GPtrArray *texts_of(const json_t *array)
{
    GPtrArray *texts = g_ptr_array_new_with_free_func(g_free);
    size_t i;
    const json_t *text;
    json_array_foreach((json_t *)array, i, text)
        g_ptr_array_add(texts, g_strdup(json_string_value(text)));
    return texts;
}

bool data_options_read(struct data_options *options, const json_t *data, GError **error)
{
    static const struct specification_member members[] = {{"header", SPECIFICATION_BOOLEAN},
                                                          {"delimiter", SPECIFICATION_TEXT},
                                                          {"columns", SPECIFICATION_TEXTS},
                                                          {"nulls", SPECIFICATION_TEXTS}};
    if (!specification_check(data, "data", members, G_N_ELEMENTS(members), error))
        return false;
    const char *delimiter = json_text_at(data, "delimiter");
    if (delimiter && strlen(delimiter) != 1)
        return error_set(error, ERROR_VALIDATION,
                         "data: the delimiter \"%s\" is not a single character", delimiter);
    options->header = texts_of(json_object_get(data, "columns"));
    options->nulls = texts_of(json_object_get(data, "nulls"));
    bool has_header =
        json_object_get(data, "header") ? json_true_at(data, "header") : !options->header->len;
    if (!has_header && !options->header->len)
        return error_set(error, ERROR_VALIDATION,
                         "data: without a header the columns' names are needed (\"columns\")");
    options->rows =
        (struct rows_columns_options){.delimiter = delimiter ? *delimiter : ',',
                                      .nulls = (const char *const *)options->nulls->pdata,
                                      .null_count = options->nulls->len};
    if (!has_header) {
        options->rows.header = (const char *const *)options->header->pdata;
        options->rows.header_count = options->header->len;
    }
    return true;
}

void data_options_clear(struct data_options *options)
{
    if (options->header)
        g_ptr_array_unref(options->header);
    if (options->nulls)
        g_ptr_array_unref(options->nulls);
}
