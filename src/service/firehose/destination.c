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

#define ENGINE "JQ-1.6"

static bool wrong_processor(const char *type, const char *text, GError **error)
{
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                     "ProcessingConfiguration: the processor %s %s.", type, text);
}

/* NULL where the processor has no such parameter. */
static const char *parameter_of(const json_t *processor, const char *name)
{
    size_t i;
    const json_t *parameter;
    json_array_foreach(json_object_get(processor, "Parameters"), i, parameter)
    {
        if (strcmp(json_text_at(parameter, "ParameterName"), name) == 0)
            return json_text_at(parameter, "ParameterValue");
    }
    return NULL;
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

static bool read_append(const json_t *processor, struct delivery_config *config, GError **error)
{
    (void)error;
    const char *word = parameter_of(processor, "Delimiter");
    config->delimiter = unescape(word ? word : "\\n");
    return true;
}

static bool read_extraction(const json_t *processor, struct delivery_config *config, GError **error)
{
    const char *query = parameter_of(processor, "MetadataExtractionQuery");
    if (!query)
        return wrong_processor("MetadataExtraction", "needs a MetadataExtractionQuery", error);
    if (g_strcmp0(parameter_of(processor, "JsonParsingEngine"), ENGINE) != 0)
        return wrong_processor("MetadataExtraction", "needs the JsonParsingEngine " ENGINE, error);
    config->query = g_strdup(query);
    return true;
}

/* What stands between parts is base64. */
static bool read_parts(const json_t *processor, struct delivery_config *config, GError **error)
{
    const char *kind = parameter_of(processor, "SubRecordType");
    const char *word = parameter_of(processor, "Delimiter");
    bool json = g_strcmp0(kind, "JSON") == 0;
    if (!json && g_strcmp0(kind, "DELIMITED") != 0)
        return wrong_processor("RecordDeAggregation", "needs the SubRecordType JSON or DELIMITED",
                               error);
    gsize size = 0;
    guchar *between = !json && word ? g_base64_decode(word, &size) : NULL;
    config->processing.parts = json ? PARTS_JSON : PARTS_DELIMITED;
    config->processing.between = g_bytes_new_take(between, size);
    return json || size ||
           wrong_processor("RecordDeAggregation",
                           "needs a Delimiter, in base64, for the SubRecordType DELIMITED", error);
}

static bool read_decompression(const json_t *processor, struct delivery_config *config,
                               GError **error)
{
    const char *format = parameter_of(processor, "CompressionFormat");
    config->processing.gunzip = true;
    return !format || strcmp(format, "GZIP") == 0 ||
           wrong_processor("Decompression", "knows the CompressionFormat GZIP alone", error);
}

static bool read_log_messages(const json_t *processor, struct delivery_config *config,
                              GError **error)
{
    const char *wanted = parameter_of(processor, "DataMessageExtraction");
    config->processing.messages = wanted && g_ascii_strcasecmp(wanted, "true") == 0;
    return config->processing.gunzip ||
           wrong_processor("CloudWatchLogProcessing", "needs the processor Decompression before it",
                           error);
}

static bool refuse_lambda(const json_t *processor, struct delivery_config *config, GError **error)
{
    (void)processor;
    (void)config;
    return wrong_processor("Lambda",
                           "is not supported: there are no functions here; deliver the records as "
                           "they are, and change them in a processing job",
                           error);
}

static const struct {
    const char *type;
    bool (*read)(const json_t *processor, struct delivery_config *config, GError **error);
    const char *parameters[3];
} processors[] = {
    {"AppendDelimiterToRecord", read_append, {"Delimiter"}},
    {"MetadataExtraction", read_extraction, {"MetadataExtractionQuery", "JsonParsingEngine"}},
    {"RecordDeAggregation", read_parts, {"SubRecordType", "Delimiter"}},
    {"Decompression", read_decompression, {"CompressionFormat"}},
    {"CloudWatchLogProcessing", read_log_messages, {"DataMessageExtraction"}},
    {"Lambda", refuse_lambda, {NULL}},
};

static bool check_parameters(const json_t *processor, size_t row, GError **error)
{
    size_t i;
    const json_t *parameter;
    json_array_foreach(json_object_get(processor, "Parameters"), i, parameter)
    {
        const char *name = json_text_at(parameter, "ParameterName");
        const char *const *known = processors[row].parameters;
        if (known[0] && strcmp(name, known[0]) != 0 && g_strcmp0(name, known[1]) != 0)
            return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                             "ProcessingConfiguration: the processor %s has no parameter %s, only "
                             "%s%s%s.",
                             processors[row].type, name, known[0], known[1] ? " and " : "",
                             known[1] ? known[1] : "");
    }
    return true;
}

static bool read_processor(const json_t *processor, struct delivery_config *config, bool *seen,
                           GError **error)
{
    const char *type = json_text_at(processor, "Type");
    size_t row = 0;
    while (strcmp(processors[row].type, type) != 0)
        row++; /* the shape knows no others */
    if (seen[row])
        return wrong_processor(type, "is there twice", error);
    seen[row] = true;
    return check_parameters(processor, row, error) &&
           processors[row].read(processor, config, error);
}

static bool read_processing(const json_t *destination, struct delivery_config *config,
                            GError **error)
{
    const json_t *processing = json_object_get(destination, "ProcessingConfiguration");
    const json_t *list = json_object_get(processing, "Processors");
    bool seen[G_N_ELEMENTS(processors)] = {false};
    for (size_t i = 0; json_true_at(processing, "Enabled") && i < json_array_size(list); i++)
        if (!read_processor(json_array_get(list, i), config, seen, error))
            return false;
    return true;
}

/* ---- dynamic partitioning ---- */

#define LEAST_PARTITIONED 64 /* MiB of a buffer */

static bool is_partitioned(const json_t *destination)
{
    return json_true_at(destination, "DynamicPartitioningConfiguration.Enabled");
}

static bool refuse(const char *text, GError **error)
{
    return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION, "%s", text);
}

static bool check_partitioning(const json_t *destination, const struct delivery_config *config,
                               GError **error)
{
    bool partitioned = is_partitioned(destination);
    if (config->query && !partitioned)
        return refuse("MetadataExtraction processor can only be present when Dynamic Partitioning "
                      "is enabled.",
                      error);
    if (partitioned && !config->query)
        return refuse(
            "Dynamic Partitioning needs a MetadataExtraction processor, whose query tells "
            "each record's partition keys.",
            error);
    if (partitioned &&
        json_integer_at(destination, "BufferingHints.SizeInMBs", 0) < LEAST_PARTITIONED)
        return refuse("BufferingHints.SizeInMBs must be at least 64 when Dynamic Partitioning is "
                      "enabled.",
                      error);
    return true;
}

static bool check_unchanged(const json_t *before, const json_t *merged, GError **error)
{
    if (!before || is_partitioned(before) == is_partitioned(merged))
        return true;
    return refuse("DynamicPartitioningConfiguration.Enabled cannot be updated: a delivery stream "
                  "is created with dynamic partitioning, or without it.",
                  error);
}

/* ---- conversion to Parquet ---- */

#define CONVERSION "DataFormatConversionConfiguration."
#define SCHEMA CONVERSION "SchemaConfiguration."
#define OPENX CONVERSION "InputFormatConfiguration.Deserializer.OpenXJsonSerDe"
#define HIVE CONVERSION "InputFormatConfiguration.Deserializer.HiveJsonSerDe"
#define PARQUET CONVERSION "OutputFormatConfiguration.Serializer.ParquetSerDe"
#define LEAST_CONVERTED 64 /* MiB of a buffer */

static bool is_converted(const json_t *destination)
{
    return json_true_at(destination, CONVERSION "Enabled");
}

static bool check_needed(const json_t *destination, GError **error)
{
    static const char *const needed[] = {SCHEMA "DatabaseName", SCHEMA "TableName"};
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!json_text_at(destination, needed[i]))
            return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                             "%s is required when data format conversion is enabled.", needed[i]);
    if (!json_at(destination, OPENX) == !json_at(destination, HIVE))
        return refuse(CONVERSION "InputFormatConfiguration.Deserializer has to have one of "
                                 "OpenXJsonSerDe and HiveJsonSerDe.",
                      error);
    return json_at(destination, PARQUET) ||
           refuse(CONVERSION "OutputFormatConfiguration.Serializer has to have a ParquetSerDe.",
                  error);
}

static bool check_formats(const json_t *destination, GError **error)
{
    const json_t *formats = json_at(destination, HIVE ".TimestampFormats");
    for (size_t i = 0; i < json_array_size(formats); i++)
        if (strcmp(json_string_value(json_array_get(formats, i)), "millis") != 0)
            return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                             HIVE
                             ".TimestampFormats: %s is not supported; times are written as "
                             "yyyy-MM-dd HH:mm:ss.SSS or in ISO 8601, or are milliseconds: millis.",
                             json_string_value(json_array_get(formats, i)));
    return true;
}

static bool check_conversion(const json_t *destination, GError **error)
{
    if (!is_converted(destination))
        return true;
    if (!check_needed(destination, error) || !check_formats(destination, error))
        return false;
    if (strcmp(json_text_at(destination, "CompressionFormat"), "UNCOMPRESSED") != 0)
        return refuse("CompressionFormat must be UNCOMPRESSED when data format conversion is "
                      "enabled: Parquet's own compression is told in ParquetSerDe.",
                      error);
    return json_integer_at(destination, "BufferingHints.SizeInMBs", 0) >= LEAST_CONVERTED ||
           refuse("BufferingHints.SizeInMBs must be at least 64 when data format conversion is "
                  "enabled.",
                  error);
}

static bool true_unless_false(const json_t *destination, const char *path)
{
    return !json_is_false(json_at(destination, path));
}

static void read_conversion(const json_t *destination, struct conversion *conversion)
{
    const char *version = json_text_at(destination, SCHEMA "VersionId");
    const char *packing = json_text_at(destination, PARQUET ".Compression");
    if (!is_converted(destination))
        return;
    conversion->database = g_strdup(json_text_at(destination, SCHEMA "DatabaseName"));
    conversion->table = g_strdup(json_text_at(destination, SCHEMA "TableName"));
    conversion->version = g_strcmp0(version, "LATEST") == 0 ? NULL : g_strdup(version);
    conversion->any_case = true_unless_false(destination, OPENX ".CaseInsensitive");
    conversion->dots = json_true_at(destination, OPENX ".ConvertDotsInJsonKeysToUnderscores");
    conversion->millis = json_array_size(json_at(destination, HIVE ".TimestampFormats")) > 0;
    conversion->mappings = json_incref(json_at(destination, OPENX ".ColumnToJsonKeyMappings"));
    conversion->compression = packing && strcmp(packing, "UNCOMPRESSED") == 0
                                  ? g_strdup("none")
                                  : g_ascii_strdown(packing ? packing : "snappy", -1);
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

static bool check_processing(const json_t *destination, GError **error)
{
    struct delivery_config *config = delivery_config_new();
    bool right = read_processing(destination, config, error) &&
                 check_partitioning(destination, config, error) &&
                 check_conversion(destination, error);
    delivery_config_unref(config);
    return right;
}

bool destination_check_query(const json_t *given, struct extractor *extractor, GError **error)
{
    struct delivery_config *config = delivery_config_new();
    bool right = read_processing(given, config, error) &&
                 (!config->query || extractor_check(extractor, config->query, error));
    delivery_config_unref(config);
    return right;
}

static bool check(const json_t *destination, GError **error)
{
    return prefix_check(json_text_at(destination, "Prefix"),
                        json_text_at(destination, "ErrorOutputPrefix"), is_partitioned(destination),
                        error) &&
           check_zone(destination, error) && check_processing(destination, error);
}

/* As AWS has them where a request has not. */
static json_t *defaults(const json_t *given)
{
    return json_pack("{s{sisi}sss{ss}s{sb}ss}", "BufferingHints", "SizeInMBs",
                     is_converted(given)     ? 128
                     : is_partitioned(given) ? LEAST_PARTITIONED
                                             : 5,
                     "IntervalInSeconds", 300, "CompressionFormat", "UNCOMPRESSED",
                     "EncryptionConfiguration", "NoEncryptionConfig", "NoEncryption",
                     "CloudWatchLoggingOptions", "Enabled", 0, "S3BackupMode", "Disabled");
}

json_t *destination_merge(const json_t *before, const json_t *given, GError **error)
{
    if (!check_hints(given, error))
        return NULL;
    g_autoptr(json_auto) merged = before ? json_copy((json_t *)before) : defaults(given);
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)given, name, value)
    {
        /* {} says nothing */
        if (!json_is_object(value) || json_object_size(value))
            json_object_set(merged, name, value);
    }
    bool right = check_unchanged(before, merged, error) && check(merged, error);
    return right ? json_incref(merged) : NULL;
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
    config->error_prefix = text_of(destination, "ErrorOutputPrefix");
    config->time_zone = text_of(destination, "CustomTimeZone");
    config->extension = text_of(destination, "FileExtension");
    output_format_named(json_text_at(destination, "CompressionFormat"), &config->format);
    read_processing(destination, config, NULL);
    read_conversion(destination, &config->conversion);
    config->size = json_integer_at(destination, "BufferingHints.SizeInMBs", 5) * MIB;
    config->interval = json_number_at(destination, "BufferingHints.IntervalInSeconds", 300);
    return config;
}
