#include "service/firehose/destination.h"

#include <string.h>

#include "base/error.h"
#include "stream/prefix.h"

#define MIB ((gint64)1 << 20)

const json_t *destination_in(const json_t *request, const char *suffix, GError **error)
{
    g_autofree char *plain = g_strconcat("S3Destination", suffix, NULL);
    g_autofree char *extended = g_strconcat("ExtendedS3Destination", suffix, NULL);
    const json_t *first = json_object_get(request, plain);
    const json_t *second = json_object_get(request, extended);
    if (!first == !second) {
        error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                  "Exactly one destination configuration is supported for a Firehose: %s or %s",
                  extended, plain);
        return NULL;
    }
    return first ? first : second;
}

/* ---- processors ---- */

/* What is not done, and what would be right instead. */
static const struct {
    const char *type, *instead;
} not_done[] = {
    {"Lambda", "there are no functions here; deliver the records as they are, and change them in a "
               "processing job"},
    {"MetadataExtraction", "dynamic partitioning is not supported; partition by time, with "
                           "!{timestamp:...} in Prefix"},
    {"RecordDeAggregation", "put each record as a record of its own, and let "
                            "AppendDelimiterToRecord divide them"},
    {"Decompression", "put records that are not compressed"},
    {"CloudWatchLogProcessing", "put the messages of log events as records"},
};

static bool refuse_processor(const char *type, GError **error)
{
    const char *instead = "AppendDelimiterToRecord is";
    for (size_t i = 0; i < G_N_ELEMENTS(not_done); i++)
        if (strcmp(not_done[i].type, type) == 0)
            instead = not_done[i].instead;
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "ProcessingConfiguration: the processor %s is not supported: %s.", type,
                     instead);
}

/* A newline cannot be written in a parameter, whose pattern wants something to be seen: the two
 * characters \n stand for it. */
static char *unescape(const char *text)
{
    GString *plain = g_string_new(NULL);
    for (; *text; text++) {
        const char *escaped = text[0] == '\\' && text[1] ? strchr("nrt\\", text[1]) : NULL;
        g_string_append_c(plain, escaped ? "\n\r\t\\"[strchr("nrt\\", *escaped) - "nrt\\"] : *text);
        text += escaped != NULL;
    }
    return g_string_free(plain, FALSE);
}

static bool read_delimiter(const json_t *processor, char **delimiter, GError **error)
{
    const char *word = "\\n";
    size_t i;
    const json_t *parameter;
    json_array_foreach(json_object_get(processor, "Parameters"), i, parameter)
    {
        const char *name = json_text_at(parameter, "ParameterName");
        if (strcmp(name, "Delimiter") != 0)
            return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                             "ProcessingConfiguration: the processor AppendDelimiterToRecord has "
                             "no parameter %s, only Delimiter.",
                             name);
        word = json_text_at(parameter, "ParameterValue");
    }
    g_free(*delimiter);
    *delimiter = unescape(word);
    return true;
}

/* *delimiter: what stands behind each record; NULL where nothing does. */
static bool read_processing(const json_t *destination, char **delimiter, GError **error)
{
    const json_t *processing = json_object_get(destination, "ProcessingConfiguration");
    size_t i;
    const json_t *processor;
    *delimiter = NULL;
    if (!json_true_at(processing, "Enabled"))
        return true;
    json_array_foreach(json_object_get(processing, "Processors"), i, processor)
    {
        const char *type = json_text_at(processor, "Type");
        if (strcmp(type, "AppendDelimiterToRecord") != 0)
            return refuse_processor(type, error);
        if (!read_delimiter(processor, delimiter, error))
            return false;
    }
    return true;
}

/* ---- checking ---- */

static bool check_hints(const json_t *given, GError **error)
{
    const json_t *hints = json_object_get(given, "BufferingHints");
    bool size = json_object_get(hints, "SizeInMBs") != NULL;
    bool interval = json_object_get(hints, "IntervalInSeconds") != NULL;
    return size == interval ||
           error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "BufferingHints: %s is missing: where one of SizeInMBs and IntervalInSeconds "
                     "is specified, the other must be, too.",
                     size ? "IntervalInSeconds" : "SizeInMBs");
}

static bool check_zone(const json_t *destination, GError **error)
{
    GTimeZone *zone = prefix_zone(json_text_at(destination, "CustomTimeZone"), error);
    if (zone)
        g_time_zone_unref(zone);
    return zone != NULL;
}

static bool check(const json_t *destination, GError **error)
{
    g_autofree char *delimiter = NULL;
    return prefix_check(json_text_at(destination, "Prefix"),
                        json_text_at(destination, "ErrorOutputPrefix"), error) &&
           check_zone(destination, error) && read_processing(destination, &delimiter, error);
}

/* As AWS has them where a request has not. */
static json_t *defaults(void)
{
    return json_pack("{s{sisi}sss{ss}s{sb}ss}", "BufferingHints", "SizeInMBs", 5,
                     "IntervalInSeconds", 300, "CompressionFormat", "UNCOMPRESSED",
                     "EncryptionConfiguration", "NoEncryptionConfig", "NoEncryption",
                     "CloudWatchLoggingOptions", "Enabled", 0, "S3BackupMode", "Disabled");
}

json_t *destination_merge(const json_t *before, const json_t *given, GError **error)
{
    if (!check_hints(given, error))
        return NULL;
    g_autoptr(json_auto) merged = before ? json_copy((json_t *)before) : defaults();
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value)
    {
        /* {} says nothing */
        if (!json_is_object(value) || json_object_size(value))
            json_object_set(merged, name, value);
    }
    return check(merged, error) ? json_incref(merged) : NULL;
}

/* ---- telling ---- */

json_t *destination_describe(const json_t *destination)
{
    static const char *const plain[] = {"RoleARN",
                                        "BucketARN",
                                        "Prefix",
                                        "ErrorOutputPrefix",
                                        "BufferingHints",
                                        "CompressionFormat",
                                        "EncryptionConfiguration",
                                        "CloudWatchLoggingOptions",
                                        NULL};
    json_t *s3 = json_object();
    json_copy_members(s3, destination, plain);
    return json_pack("{sosO}", "S3DestinationDescription", s3, "ExtendedS3DestinationDescription",
                     destination);
}

/* NULL where it is missing or empty. */
static char *text_of(const json_t *destination, const char *name)
{
    const char *text = json_text_at(destination, name);
    return text && *text ? g_strdup(text) : NULL;
}

struct delivery_config *destination_config(const json_t *destination, const char *version)
{
    struct delivery_config *config = delivery_config_new();
    const char *bucket = strstr(json_text_at(destination, "BucketARN"), ":::");
    config->version = g_strdup(version);
    config->bucket = g_strdup(bucket ? bucket + 3 : "");
    config->prefix = text_of(destination, "Prefix");
    config->time_zone = text_of(destination, "CustomTimeZone");
    config->extension = text_of(destination, "FileExtension");
    output_format_named(json_text_at(destination, "CompressionFormat"), &config->format);
    read_processing(destination, &config->delimiter, NULL);
    config->size = json_integer_at(destination, "BufferingHints.SizeInMBs", 5) * MIB;
    config->interval = json_number_at(destination, "BufferingHints.IntervalInSeconds", 300);
    return config;
}
