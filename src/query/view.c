/* Views, as Presto and Athena keep them in a Hive catalog. */
#include <string.h>

#include "base/error.h"
#include "query/query_inside.h"

#define BEGINNING "/* Presto View: "
#define ENDING " */"

bool view_is(const json_t *table)
{
    const char *type = json_text_at(table, "TableType");
    return type && strcmp(type, "VIRTUAL_VIEW") == 0;
}

json_t *view_definition(const json_t *table, GError **error)
{
    const char *text = json_text_at(table, "ViewOriginalText");
    if (!text || !g_str_has_prefix(text, BEGINNING) || !g_str_has_suffix(text, ENDING)) {
        error_set(error, ERROR_INVALID_REQUEST,
                  "INVALID_VIEW: The view '%s' was not made by Athena: its ViewOriginalText does "
                  "not begin with '" BEGINNING "'",
                  json_text_at(table, "Name"));
        return NULL;
    }
    g_autofree char *coded =
        g_strndup(text + strlen(BEGINNING), strlen(text) - strlen(BEGINNING) - strlen(ENDING));
    gsize size;
    g_autofree guchar *bytes = g_base64_decode(coded, &size);
    return json_parse((const char *)bytes, size, "the definition of a view", error);
}

char *view_text(const json_t *definition)
{
    g_autofree char *text = json_text_of(definition);
    g_autofree char *coded = g_base64_encode((const guchar *)text, strlen(text));
    return g_strconcat(BEGINNING, coded, ENDING, NULL);
}
