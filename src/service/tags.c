#include "service/tags.h"

#include <string.h>

#include "store/resource.h"

#define LIST_PAGE 50

json_t *tags_page(struct store *store, const char *arn, const json_t *request, GError **error)
{
    g_autoptr(json_auto) all = resource_tags(store, arn, error);
    if (!all)
        return NULL;
    const char *after = json_text_at(request, "ExclusiveStartTagKey");
    size_t limit = (size_t)json_integer_at(request, "Limit", LIST_PAGE), i;
    json_t *tags = json_array();
    json_t *tag;
    bool more = false;
    json_array_foreach(all, i, tag)
    {
        if (after && strcmp(json_text_at(tag, "Key"), after) <= 0)
            continue;
        more |= json_array_size(tags) == limit;
        if (!more)
            json_array_append(tags, tag);
    }
    return json_pack("{sosb}", "Tags", tags, "HasMoreTags", more);
}

bool tags_put(struct store *store, const char *arn, const json_t *tags, enum error_code code,
              GError **error)
{
    if (resource_tags_put(store, arn, tags, error))
        return true;
    if (error && g_error_matches(*error, LATHE_ERROR, ERROR_VALIDATION))
        (*error)->code = (gint)code;
    return false;
}
