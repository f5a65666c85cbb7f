#include "script/job_settings.h"

#include "script/spark_files.h"

json_t *job_settings_read(const char *folder, GError **error)
{
    g_autofree char *path = g_build_filename(folder, SANDBOX_FILE, NULL);
    return json_read_file(path, error);
}

/* Ours first, which is but a start; then the settings' own, then what pip installed. g_free. */
static char *python_path(const struct sandbox *sandbox, const json_t *settings)
{
    g_autoptr(GString) path = g_string_new(sandbox_python(sandbox));
    g_string_append(path, "/site");
    size_t i;
    const json_t *place;
    json_array_foreach(json_object_get(settings, "PythonPath"), i, place)
        g_string_append_printf(path, ":%s", json_string_value(place));
    if (sandbox->packages)
        g_string_append_printf(path, ":%s", sandbox_packages(sandbox));
    return g_strdup(path->str);
}

json_t *job_settings_environment(const struct sandbox *sandbox, const json_t *settings)
{
    g_autofree char *path = python_path(sandbox, settings);
    json_t *environment = json_pack("{ssss}", "PYTHONUNBUFFERED", "1", "PYTHONPATH", path);
    if (!sandbox->host_network) /* pip is not to wait for an index: what is asked for is there */
        json_object_set_new(environment, "PIP_RETRIES", json_string("0"));
    spark_files_environment(sandbox, settings, environment);
    json_object_update(environment, json_object_get(settings, "Environment"));
    return environment;
}
