#include <stdio.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
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

static char *write_sdk_config(const char *region, const char *account, GError **error)
{
    g_autofree char *text = g_strdup_printf(sdk_config, region, account);
    g_autofree char *home = g_canonicalize_filename(cli_home(), NULL);
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

int cli_env(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    GError *error = NULL;
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    g_autoptr(json_auto) about = local_ask(cli_home(), ask, NULL);
    const char *url = json_text_at(about, "Output.Url");
    const char *account = json_text_at(about, "Output.Account");
    const char *region = g_getenv("AWS_DEFAULT_REGION");
    if (!region || !*region)
        region = "us-east-1";
    g_autofree char *config = write_sdk_config(region, account ? account : "000000000000", &error);
    if (!config)
        return cli_error(error);
    if (!about)
        fprintf(stderr, "lathe: none is running in %s; these are the defaults\n", cli_home());
    print_export("AWS_ENDPOINT_URL", url ? url : "http://127.0.0.1:4566");
    print_export("AWS_ACCESS_KEY_ID", "lathe");
    print_export("AWS_SECRET_ACCESS_KEY", "lathe");
    print_export("AWS_DEFAULT_REGION", region);
    print_export("AWS_REGION", region);
    print_export("AWS_EC2_METADATA_DISABLED", "true");
    print_export("SAGEMAKER_USER_CONFIG_OVERRIDE", config);
    return CLI_OK;
}
