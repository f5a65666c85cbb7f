#include "service/sagemaker/script.h"

#include "base/error.h"
#include "runtime/settings.h"

/* Where the server is found from within: "127.0.0.1:8080", or NULL where it does not listen. */
static const char *address_of(const struct lathe *lathe)
{
    return lathe->url ? lathe->url + strlen("http://") : NULL;
}

static json_t *way_to_server(const struct lathe *lathe, const char *region)
{
    return json_pack("{ssssssssss*}", "AWS_REGION", region, "AWS_DEFAULT_REGION", region,
                     "AWS_ACCESS_KEY_ID", "test", "AWS_SECRET_ACCESS_KEY", "test",
                     "AWS_ENDPOINT_URL", lathe->url);
}

json_t *script_sandbox(const struct lathe *lathe, const char *region)
{
    const struct settings *home = lathe->settings;
    g_autofree char *cache = g_build_filename(lathe->home, "cache", "requirements", NULL);
    return json_pack("{ss ss* ss* ss ss s[s] sI sI so}", "Cache", cache, "Python", home->python,
                     "Server", address_of(lathe), "Network", home->host_network ? "host" : "lathe",
                     "Isolation", home->isolated ? "bubblewrap" : "none", "Masked", lathe->home,
                     "Memory", (json_int_t)home->memory, "Processes", (json_int_t)home->processes,
                     "Environment", way_to_server(lathe, region));
}

static void add_environment(json_t *environment, const struct script *script)
{
    if (script->name)
        json_object_set_new(environment, script->name_variable, json_string(script->name));
    if (script->arn)
        json_object_set_new(environment, script->arn_variable, json_string(script->arn));
    json_object_update(environment, (json_t *)script->environment);
}

static json_t *command_of(const struct script *script)
{
    json_t *command = json_array();
    json_array_extend(command, (json_t *)script->entrypoint);
    json_array_extend(command, (json_t *)script->arguments);
    return command;
}

json_t *script_settings(const struct call *call, const struct script *script)
{
    json_t *settings = script_sandbox(call->lathe, call->region);
    json_object_set_new(settings, "Bytes", json_integer((json_int_t)script->volume << 30));
    add_environment(json_object_get(settings, "Environment"), script);
    if (script->entrypoint)
        json_object_set_new(settings, "Command", command_of(script));
    if (script->metrics)
        json_object_set(settings, "Metrics", (json_t *)script->metrics);
    return settings;
}

bool script_check(const struct call *call, GError **error)
{
    return call->lathe->settings->python ||
           error_set(error, ERROR_VALIDATION,
                     "Scripts need a Python: none was found where lathe was started. Install "
                     "python3, or name one as runtime.python in %s/" SETTINGS_FILE ".",
                     call->lathe->home);
}
