#include "base/error.h"
#include "cli/cli.h"
#include "service/home.h"

json_t *cli_ask_job(const struct kind *kind, const char *operation, const char *name,
                    GError **error)
{
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
