/* User-defined functions: recorded, and run by nobody here. */
#include <string.h>

#include "catalog/record.h"
#include "service/glue/glue_inside.h"

#define LIST_PAGE 100

bool create_user_defined_function(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_function_create(catalog, json_text_at(request, "DatabaseName"),
                                              json_object_get(request, "FunctionInput"), error);
}

bool update_user_defined_function(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_function_update(catalog, json_text_at(request, "DatabaseName"),
                                              json_text_at(request, "FunctionName"),
                                              json_object_get(request, "FunctionInput"), error);
}

bool get_user_defined_function(const struct call *call, const json_t *request, struct reply *reply,
                               GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    json_t *function = catalog
                           ? catalog_function_get(catalog, json_text_at(request, "DatabaseName"),
                                                  json_text_at(request, "FunctionName"), error)
                           : NULL;
    glue_dress(call, function);
    return glue_reply(reply, "UserDefinedFunction", function);
}

static void keep_type(json_t *list, const char *type)
{
    for (size_t i = json_array_size(list); type && i-- > 0;)
        if (g_strcmp0(json_text_at(json_array_get(list, i), "FunctionType"), type) != 0)
            json_array_remove(list, i);
}

bool get_user_defined_functions(const struct call *call, const json_t *request, struct reply *reply,
                                GError **error)
{
    struct catalog *catalog = glue_catalog(call, request, error);
    const char *database = json_text_at(request, "DatabaseName");
    const char *pattern = json_text_at(request, "Pattern");
    json_t *list = catalog ? catalog_function_list(catalog, database, pattern, error) : NULL;
    g_autofree char *place = g_strdup_printf("%s\n%s", database ? database : "", pattern);
    keep_type(list, json_text_at(request, "FunctionType"));
    glue_dress_all(call, list);
    return glue_reply_page(call, request, place, "UserDefinedFunctions", list, LIST_PAGE, reply,
                           error);
}

bool delete_user_defined_function(const struct call *call, const json_t *request,
                                  struct reply *reply, GError **error)
{
    (void)reply;
    struct catalog *catalog = glue_catalog(call, request, error);
    return catalog && catalog_function_delete(catalog, json_text_at(request, "DatabaseName"),
                                              json_text_at(request, "FunctionName"), error);
}
