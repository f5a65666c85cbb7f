#include "service/script.h"

#include "base/error.h"
#include "proxy/aws_host.h"
#include "proxy/proxy.h"
#include "proxy/variables.h"
#include "runtime/settings.h"
#include "sandbox/sandbox.h"

static const char *without_scheme(const char *url)
{
    return url + strlen("http://");
}

/* What scripts reach of this machine, by the same addresses: the server, and its proxy. */
static json_t *servers_of(const struct lathe *lathe)
{
    json_t *servers = json_array();
    if (lathe->url)
        json_array_append_new(servers, json_string(without_scheme(lathe->url)));
    if (lathe->proxy)
        json_array_append_new(servers, json_string(without_scheme(proxy_url(lathe->proxy))));
    return servers;
}

static json_t *aws_hosts(void)
{
    json_t *domains = json_array();
    for (const char *const *domain = aws_domains; *domain; domain++)
        json_array_append_new(domains, json_string(*domain));
    return domains;
}

static json_t *way_to_server(const struct lathe *lathe, const char *region)
{
    return json_pack("{ssssssssss*ss*}", "AWS_REGION", region, "AWS_DEFAULT_REGION", region,
                     "AWS_ACCESS_KEY_ID", "test", "AWS_SECRET_ACCESS_KEY", "test",
                     "AWS_ENDPOINT_URL", lathe->url, "SAGEMAKER_MLFLOW_CUSTOM_ENDPOINT",
                     lathe->url);
}

/* AWS's own hosts, which some clients ask whatever endpoint they are told. Without the certificates
 * a script is better off without the proxy. */
static void add_aws_hosts(const struct lathe *lathe, json_t *sandbox)
{
    g_autoptr(GError) error = NULL;
    const char *bundle = lathe->proxy ? proxy_bundle(lathe->proxy, &error) : NULL;
    if (error)
        g_warning("scripts do not reach AWS's hosts here: %s", error->message);
    if (!bundle)
        return;
    const char *within = lathe->settings->isolated ? SANDBOX_CERTIFICATES : bundle;
    const struct proxy_variables told = {
        .proxy = proxy_url(lathe->proxy), .bundle = within, .own = within};
    g_autoptr(json_auto) variables = proxy_variables(&told);
    json_object_update(json_object_get(sandbox, "Environment"), variables);
    json_object_set_new(sandbox, "Certificates", json_string(bundle));
    json_object_set_new(sandbox, "Domains", aws_hosts());
    json_object_set_new(sandbox, "DomainsServer",
                        json_string(without_scheme(proxy_url(lathe->proxy))));
}

json_t *script_sandbox(const struct lathe *lathe, const char *region)
{
    const struct settings *home = lathe->settings;
    g_autofree char *cache = g_build_filename(lathe->home, "cache", "requirements", NULL);
    json_t *sandbox = json_pack(
        "{ss ss* so ss ss s[s] ss* ss* sI sI so}", "Cache", cache, "Python", home->python,
        "Servers", servers_of(lathe), "Network", home->host_network ? "host" : "lathe", "Isolation",
        home->isolated ? "bubblewrap" : "none", "Masked", lathe->home, "Groups", lathe->groups,
        "Engine", home->engine, "Memory", (json_int_t)home->memory, "Processes",
        (json_int_t)home->processes, "Environment", way_to_server(lathe, region));
    add_aws_hosts(lathe, sandbox);
    return sandbox;
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

static void add_spark(json_t *settings, const json_t *spark)
{
    json_object_set(settings, "Spark", (json_t *)spark);
    json_object_set_new(
        settings, "Shown",
        json_pack("[ss]", json_text_at(spark, "Home"), json_text_at(spark, "Java")));
}

json_t *script_settings(const struct call *call, const struct script *script)
{
    json_t *settings = script_sandbox(call->lathe, call->region);
    json_object_set_new(settings, "Bytes", json_integer((json_int_t)script->volume << 30));
    add_environment(json_object_get(settings, "Environment"), script);
    if (script->entrypoint)
        json_object_set_new(settings, "Command", command_of(script));
    if (script->image)
        json_object_set_new(settings, "Image", json_string(script->image));
    if (script->metrics)
        json_object_set(settings, "Metrics", (json_t *)script->metrics);
    if (script->spark)
        add_spark(settings, script->spark);
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
