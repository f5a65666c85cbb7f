#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
#include "proxy/authority.h"
#include "proxy/aws_host.h"
#include "proxy/variables.h"
#include "wire/local.h"

/* The SageMaker SDK asks STS at a fixed address for the account, to name its default bucket, and
 * sends telemetry; this file stops both. */
static const char sdk_config[] = "SchemaVersion: '1.0'\n"
                                 "SageMaker:\n"
                                 "  PythonSDK:\n"
                                 "    Modules:\n"
                                 "      TelemetryOptOut: true\n"
                                 "      Session:\n"
                                 "        DefaultS3Bucket: sagemaker-%s-%s\n";

/* Last, so that it hides nothing in a shell that makes one line of all. */
static const char about_pyarrow[] = "# PyArrow's S3FileSystem reads neither of these: "
                                    "pyarrow.fs.S3FileSystem(endpoint_override=...)\n";

static char *write_sdk_config(const char *home, const char *region, const char *account,
                              GError **error)
{
    g_autofree char *text = g_strdup_printf(sdk_config, region, account);
    g_autofree char *path = g_build_filename(home, "sagemaker-config.yaml", NULL);
    if (!file_make_folders(home, error) || !g_file_set_contents(path, text, -1, error))
        return NULL;
    return g_steal_pointer(&path);
}

static void print_export(const char *name, const char *value)
{
    g_autofree char *quoted = g_shell_quote(value);
    printf("export %s=%s\n", name, quoted);
}

/* ---- the proxy ---- */

/* Whether clients would go to AWS's hosts without the proxy for it: ".amazonaws.com", "*". */
static bool hides_aws(const char *entry)
{
    g_autofree char *host = g_strconcat("any.", entry + (*entry == '.'), NULL);
    return strcmp(entry, "*") == 0 || aws_host_is(host);
}

/* This machine, then what the user has there already: an office's own hosts, say. */
static char *hosts_without_proxy(void)
{
    const char *before = g_getenv("NO_PROXY") ? g_getenv("NO_PROXY") : g_getenv("no_proxy");
    g_auto(GStrv) entries = g_strsplit(before ? before : "", ",", -1);
    g_auto(GStrv) own = g_strsplit(PROXY_DIRECT, ",", -1);
    GString *all = g_string_new(PROXY_DIRECT);
    for (char **entry = entries; *entry; entry++) {
        const char *name = g_strstrip(*entry);
        if (*name && !hides_aws(name) && !g_strv_contains((const char *const *)own, name))
            g_string_append_printf(all, ",%s", name);
    }
    return g_string_free(all, FALSE);
}

/* One of the user's own is replaced: tunnels are then made from this machine. */
static void tell_of_proxy_before(const char *proxy)
{
    const char *name = g_getenv("HTTPS_PROXY") ? "HTTPS_PROXY" : "https_proxy";
    const char *before = g_getenv(name);
    if (before && *before && strcmp(before, proxy) != 0)
        fprintf(stderr,
                "lathe: %s was %s; with these variables other hosts than AWS's are reached "
                "directly, from this machine\n",
                name, before);
}

static void print_proxy(const struct proxy_variables *told)
{
    g_autoptr(json_auto) variables = proxy_variables(told);
    const char *name;
    const json_t *value;
    json_object_foreach(variables, name, value) print_export(name, json_string_value(value));
}

static bool print_way(const char *home, const char *proxy, GError **error)
{
    g_autofree char *direct = hosts_without_proxy();
    g_autofree char *own = NULL, *bundle = NULL;
    bool has_roots = false;
    struct authority *authority = authority_open(home, error);
    bool written =
        authority && authority_write_bundle(authority, home, &own, &bundle, &has_roots, error);
    authority_free(authority);
    if (!written)
        return false;
    print_proxy(&(struct proxy_variables){proxy, direct, bundle, own});
    if (!has_roots)
        fprintf(stderr,
                "lathe: this system's root certificates were not found: with these variables "
                "clients trust AWS's hosts here and no other server\n");
    return true;
}

static bool print_all(const char *home, const json_t *about, const char *url, GError **error)
{
    const char *told = json_text_at(about, "Output.Proxy");
    const char *proxy = told ? told : CLI_PROXY;
    if (about && !told)
        return error_set(error, ERROR_VALIDATION,
                         "the lathe in %s has no proxy: start it as `lathe "
                         "serve`, without --proxy off",
                         home);
    tell_of_proxy_before(proxy);
    print_export("SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT", url);
    if (!print_way(home, proxy, error))
        return false;
    fputs(about_pyarrow, stdout);
    return true;
}

/* ---- the verb ---- */

int cli_env(int argc, char **argv)
{
    gboolean all = FALSE;
    const GOptionEntry options[] = {{"all", 0, 0, G_OPTION_ARG_NONE, &all, NULL, NULL}, {0}};
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    GError *error = NULL;
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    g_autoptr(json_auto) about = local_ask(cli_home(), ask, NULL);
    const char *told = json_text_at(about, "Output.Url");
    const char *url = told ? told : "http://" CLI_LISTEN;
    const char *account = json_text_at(about, "Output.Account");
    const char *region = g_getenv("AWS_DEFAULT_REGION");
    if (!region || !*region)
        region = "us-east-1";
    g_autofree char *home = g_canonicalize_filename(cli_home(), NULL);
    g_autofree char *config =
        write_sdk_config(home, region, account ? account : "000000000000", &error);
    if (!config)
        return cli_error(error);
    if (!about)
        fprintf(stderr, "lathe: none is running in %s; these are the defaults\n", cli_home());
    print_export("AWS_ENDPOINT_URL", url);
    print_export("AWS_ACCESS_KEY_ID", "lathe");
    print_export("AWS_SECRET_ACCESS_KEY", "lathe");
    print_export("AWS_DEFAULT_REGION", region);
    print_export("AWS_REGION", region);
    print_export("AWS_EC2_METADATA_DISABLED", "true");
    print_export("SAGEMAKER_USER_CONFIG_OVERRIDE", config);
    return all && !print_all(home, about, url, &error) ? cli_error(error) : CLI_OK;
}
