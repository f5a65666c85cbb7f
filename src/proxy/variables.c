#include "proxy/variables.h"

#include <glib.h>

static void put(json_t *variables, const char *name, const char *value)
{
    json_object_set_new(variables, name, json_string(value));
}

/* Under both names: some clients read one alone. */
static void put_both(json_t *variables, const char *name, const char *value)
{
    g_autofree char *lower = g_ascii_strdown(name, -1);
    put(variables, name, value);
    put(variables, lower, value);
}

json_t *proxy_variables(const struct proxy_variables *told)
{
    static const char *const trusting[] = {"AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "SSL_CERT_FILE",
                                           "CURL_CA_BUNDLE"};
    json_t *variables = json_object();
    put_both(variables, "HTTPS_PROXY", told->proxy);
    put_both(variables, "NO_PROXY", told->direct ? told->direct : PROXY_DIRECT);
    put(variables, "NODE_USE_ENV_PROXY",
        "1"); /* Node.js looks at the others only so, since 22.21 */
    for (size_t i = 0; i < G_N_ELEMENTS(trusting); i++)
        put(variables, trusting[i], told->bundle);
    put(variables, "NODE_EXTRA_CA_CERTS", told->own);
    return variables;
}
