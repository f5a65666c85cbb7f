#include "train/system_metrics.h"

#include "base/file.h"
#include "base/json.h"

struct reading {
    json_t *found;
    double first; /* 0: none yet */
};

static void take_line(const char *line, struct reading *reading)
{
    g_autoptr(json_auto) event = json_loads(line, 0, NULL);
    const char *dimension = json_text_at(event, "Dimension");
    double time = json_number_at(event, "Timestamp", 0);
    if (!dimension)
        return;
    if (reading->first <= 0)
        reading->first = time;
    if (!json_object_get(reading->found, dimension))
        json_object_set_new(reading->found, dimension, json_array());
    json_array_append_new(
        json_object_get(reading->found, dimension),
        json_pack("[ff]", time - reading->first, json_number_at(event, "Value", 0)));
}

/* Files come in the order of their names, which is that of time. */
static bool take_file(const char *path, const char *name, void *data, GError **error)
{
    (void)name;
    g_autofree char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, error))
        return false;
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line; line++)
        take_line(*line, data);
    return true;
}

json_t *system_metrics_read(const char *folder)
{
    struct reading reading = {json_object(), 0};
    g_autofree char *system = g_build_filename(folder, "system", NULL);
    if (g_file_test(system, G_FILE_TEST_IS_DIR))
        file_each(system, take_file, &reading, NULL);
    return reading.found;
}
