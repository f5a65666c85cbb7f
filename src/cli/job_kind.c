#include "base/error.h"
#include "cli/cli.h"
#include "service/home.h"

/* ---- kinds whose members are told only beside their parents' names ---- */

json_t *cli_parents(const struct kind *kind, GError **error)
{
    g_autoptr(json_auto) none = json_object();
    g_autoptr(json_auto) output = cli_ask(kind->service, kind->parents, none, error);
    return json_incref(json_object_get(output, kind->parent_names));
}

static json_t *describe_in(const struct kind *kind, const char *parent, const char *name)
{
    g_autoptr(json_auto) request =
        json_pack("{ssss}", kind->parent, parent, kind->described_by, name);
    g_autoptr(json_auto) output = cli_ask(kind->service, kind->describe, request, NULL);
    return json_incref(json_object_get(output, kind->told_in));
}

static json_t *find_below(const struct kind *kind, const char *name, GError **error)
{
    g_autoptr(json_auto) parents = cli_parents(kind, error);
    size_t i;
    const json_t *parent;
    json_array_foreach(parents, i, parent)
    {
        json_t *found = describe_in(kind, json_string_value(parent), name);
        if (found)
            return found;
    }
    if (parents)
        error_set(error, ERROR_NOT_FOUND, "there is no %s %s", kind->noun, name);
    return NULL;
}

static json_t *stop_below(const struct kind *kind, const char *name, GError **error)
{
    g_autoptr(json_auto) found = find_below(kind, name, error);
    const char *parent = json_text_at(found, kind->parent);
    g_autoptr(json_auto) request =
        found ? json_pack("{sss[s]}", kind->parent, parent, kind->stopped_by, name) : NULL;
    g_autoptr(json_auto) output = found ? cli_ask(kind->service, kind->stop, request, error) : NULL;
    const char *refusal = json_text_at(output, "Errors[0].ErrorDetail.ErrorMessage");
    if (refusal)
        error_set(error, ERROR_VALIDATION, "%s", refusal);
    return refusal ? NULL : json_incref(output);
}

/* ---- all kinds ---- */

json_t *cli_ask_job(const struct kind *kind, const char *operation, const char *name,
                    GError **error)
{
    if (kind->parents)
        return operation == kind->stop ? stop_below(kind, name, error)
                                       : find_below(kind, name, error);
    g_autoptr(json_auto) request = json_pack("{ss}", kind->name, name);
    return cli_ask(kind->service, operation, request, error);
}

const struct kind *cli_find_job(const char *name, GError **error)
{
    const struct kind *kind;
    for (size_t i = 0; (kind = kind_at(services, i)); i++) {
        if (!kind->log_group)
            continue;
        g_autoptr(GError) cause = NULL;
        g_autoptr(json_auto) found = cli_ask_job(kind, kind->describe, name, &cause);
        if (found)
            return kind;
        if (g_error_matches(cause, LATHE_ERROR, ERROR_SERVICE_UNAVAILABLE)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return NULL;
        }
    }
    error_set(error, ERROR_NOT_FOUND, "there is no job named %s", name);
    return NULL;
}
