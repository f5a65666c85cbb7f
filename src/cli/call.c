#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cli/cli.h"
#include "wire/local.h"

/* JSON, @FILE, or - for standard input. */
static json_t *read_request(const char *argument, GError **error)
{
    if (!argument)
        return json_object();
    g_autofree char *text = NULL;
    gsize size = strlen(argument);
    if (*argument == '@' || strcmp(argument, "-") == 0) {
        const char *path = *argument == '@' ? argument + 1 : "/dev/stdin";
        if (!g_file_get_contents(path, &text, &size, error))
            return NULL;
        argument = text;
    }
    return json_parse(argument, size, "the request", error);
}

static bool write_body(GBytes *body, const char *path, GError **error)
{
    gsize size;
    const char *bytes = g_bytes_get_data(body, &size);
    if (path)
        return g_file_set_contents(path, bytes, (gssize)size, error);
    return fwrite(bytes, 1, size, stdout) == size ||
           error_set(error, ERROR_INTERNAL, "the reply could not be written");
}

int cli_call(int argc, char **argv)
{
    g_autofree char *body_path = NULL;
    g_autofree char *out_path = NULL;
    const GOptionEntry options[] = {
        {"body", 0, 0, G_OPTION_ARG_FILENAME, &body_path, NULL, NULL},
        {"out", 0, 0, G_OPTION_ARG_FILENAME, &out_path, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "lathe call: SERVICE and OPERATION are needed, such as\n"
                        "  lathe call sagemaker ListTrainingJobs '{\"MaxResults\": 5}'\n");
        return CLI_USAGE;
    }
    GError *error = NULL;
    g_autoptr(json_auto) request = read_request(argc > 3 ? argv[3] : NULL, &error);
    g_autoptr(GBytes) send = NULL;
    char *bytes;
    gsize size;
    if (request && body_path && g_file_get_contents(body_path, &bytes, &size, &error))
        send = g_bytes_new_take(bytes, size);
    if (error)
        return cli_error(error);
    g_autoptr(GBytes) body = NULL;
    g_autoptr(json_auto) output =
        local_call(cli_home(), argv[1], argv[2], request, send, &body, &error);
    if (!output)
        return cli_error(error);
    if (body && !write_body(body, out_path, &error))
        return cli_error(error);
    /* Where the bytes themselves went to standard output, the JSON beside them would spoil them. */
    if (!body || out_path) {
        json_dumpf(output, stdout, JSON_INDENT(2));
        putchar('\n');
    }
    return CLI_OK;
}
