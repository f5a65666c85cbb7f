#include "train/channel_config.h"

#include <string.h>

#include "base/error.h"
#include "base/json.h"

static const struct {
    const char *name;
    enum rows_format format;
} content_types[] = {
    {"csv", ROWS_CSV},
    {"text/csv", ROWS_CSV},
    {"libsvm", ROWS_LIBSVM},
    {"text/libsvm", ROWS_LIBSVM},
    {"text/x-libsvm", ROWS_LIBSVM},
    {"parquet", ROWS_PARQUET},
    {"application/x-parquet", ROWS_PARQUET},
};

/* label_size=1 is all that a CSV's content type may say of its label; a charset is passed over. */
static bool check_parameters(const char *content_type, char **parameters, GError **error)
{
    for (size_t i = 0; parameters[i]; i++) {
        const char *parameter = g_strstrip(parameters[i]);
        if (g_str_has_prefix(parameter, "label_size=") && strcmp(parameter + 11, "1") != 0) {
            return error_set(error, ERROR_VALIDATION,
                             "%s is not an accepted csv ContentType. Optional parameter label_size "
                             "must be equal to 1",
                             content_type);
        }
    }
    return true;
}

static bool parse_content_type(const char *channel, const char *content_type,
                               enum rows_format *format, GError **error)
{
    g_autofree char *lower = g_ascii_strdown(content_type, -1);
    g_auto(GStrv) parts = g_strsplit(lower, ";", -1);
    const char *name = !parts[0] ? "" : g_strstrip(parts[0]);
    g_autoptr(GString) accepted = g_string_new(NULL);
    for (size_t i = 0; i < G_N_ELEMENTS(content_types); i++) {
        if (strcmp(name, content_types[i].name) == 0) {
            *format = content_types[i].format;
            return *format != ROWS_CSV || check_parameters(content_type, parts + 1, error);
        }
        g_string_append_printf(accepted, "%s%s", i == 0 ? "" : ", ", content_types[i].name);
    }
    return error_set(error, ERROR_VALIDATION, "channel %s: %s is not an accepted ContentType: %s.",
                     channel, *content_type == '\0' ? "''" : content_type, accepted->str);
}

static bool check_channel(const char *name, const json_t *channel, enum rows_format *format,
                          GError **error)
{
    const char *mode = json_text_at(channel, "TrainingInputMode");
    /* The rows are the same in all modes, and lie here as files. */
    static const char *const modes[] = {"File", "FastFile", "Pipe", NULL};
    if (mode && !g_strv_contains(modes, mode)) {
        return error_set(error, ERROR_VALIDATION,
                         "channel %s: TrainingInputMode %s is none of 'File', 'FastFile' and "
                         "'Pipe'",
                         name, mode);
    }
    const char *content_type = json_text_at(channel, "ContentType");
    return !content_type || parse_content_type(name, content_type, format, error);
}

bool channel_config_read(const json_t *channels, struct channel_config *config, GError **error)
{
    *config = (struct channel_config){.train = ROWS_LIBSVM};
    const char *name;
    json_t *channel;
    json_object_foreach((json_t *)channels, name, channel)
    {
        /* code: where script mode's program lies; algorithm mode passes over it. */
        if (!g_strv_contains((const char *const[]){"train", "validation", "code", NULL}, name)) {
            return error_set(error, ERROR_VALIDATION,
                             "Extraneous channel found: %s; the channels of this algorithm are "
                             "train and validation",
                             name);
        }
    }
    const json_t *train = json_object_get(channels, "train");
    const json_t *validation = json_object_get(channels, "validation");
    if (!train)
        return error_set(error, ERROR_VALIDATION, "Missing required channel: train");
    if (!check_channel("train", train, &config->train, error))
        return false;
    config->has_validation = validation != NULL;
    config->validation = config->train;
    return !validation || check_channel("validation", validation, &config->validation, error);
}
