#include "script/job_settings.h"

json_t *job_settings_read(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, SANDBOX_FILE, NULL);
    return json_read_file(path, error);
}

json_t *job_settings_environment(const struct sandbox *sandbox, const json_t *settings)
{
    g_autofree char *site = g_build_filename(sandbox_python(sandbox), "site", NULL);
    g_autofree char *path =
        g_strjoin(":", site, sandbox->packages ? sandbox_packages(sandbox) : NULL, NULL);
    json_t *environment = json_pack("{ssss}", "PYTHONUNBUFFERED", "1", "PYTHONPATH", path);
    if (!sandbox->host_network) /* pip is not to wait for an index: what is asked for is there */
        json_object_set_new(environment, "PIP_RETRIES", json_string("0"));
    json_object_update(environment, json_object_get(settings, "Environment"));
    return environment;
}
