/* CREATE EXTERNAL TABLE: what follows the name, as Glue's TableInput. */
#include <string.h>

#include "query/hive_inside.h"

/* ---- types ---- */

static const char *const plain_types[] = {
    "boolean", "tinyint", "smallint", "int",       "bigint", "double",
    "float",   "string",  "binary",   "timestamp", "date",   NULL,
};

static bool type(struct hive_reader *reader, GString *text);

static bool numbers_in_brackets(struct hive_reader *reader, GString *text, const char *closing)
{
    g_string_append_c(text, '(');
    for (bool first = true; first || hive_takes(reader, ","); first = false) {
        const struct hive_token *token = hive_here(reader);
        if (token->kind != HIVE_NUMBER)
            return hive_fail(reader);
        g_string_append_printf(text, "%s%s", first ? "" : ",", token->text);
        reader->at++;
    }
    g_string_append(text, closing);
    return hive_needs(reader, closing);
}

static bool types_within(struct hive_reader *reader, GString *text, unsigned count)
{
    if (!hive_needs(reader, "<"))
        return false;
    g_string_append_c(text, '<');
    for (unsigned i = 0; i < count; i++) {
        if (i && !hive_needs(reader, ","))
            return false;
        g_string_append(text, i ? "," : "");
        if (!type(reader, text))
            return false;
    }
    g_string_append_c(text, '>');
    return hive_needs(reader, ">");
}

static bool field(struct hive_reader *reader, GString *text)
{
    g_autofree char *name = hive_name(reader);
    if (!name || !hive_needs(reader, ":"))
        return false;
    g_string_append_printf(text, "%s:", name);
    if (!type(reader, text))
        return false;
    g_autofree char *comment = hive_takes(reader, "comment") ? hive_quoted(reader) : g_strdup("");
    return comment != NULL;
}

static bool fields(struct hive_reader *reader, GString *text)
{
    if (!hive_needs(reader, "<"))
        return false;
    g_string_append_c(text, '<');
    for (bool first = true; first || hive_takes(reader, ","); first = false) {
        g_string_append(text, first ? "" : ",");
        if (!field(reader, text))
            return false;
    }
    g_string_append_c(text, '>');
    return hive_needs(reader, ">");
}

/* Types are written small and without spaces, as Glue keeps them. */
static bool type(struct hive_reader *reader, GString *text)
{
    g_autofree char *word = hive_here(reader)->kind == HIVE_WORD ? hive_name(reader) : NULL;
    if (!word)
        return hive_fail(reader);
    if (strcmp(word, "integer") == 0)
        memcpy(word, "int", 4);
    g_string_append(text, word);
    if (g_strv_contains(plain_types, word))
        return true;
    if (strcmp(word, "array") == 0)
        return types_within(reader, text, 1);
    if (strcmp(word, "map") == 0)
        return types_within(reader, text, 2);
    if (strcmp(word, "struct") == 0)
        return fields(reader, text);
    if (strcmp(word, "decimal") == 0 && !hive_sees(reader, "(")) {
        g_string_append(text, "(10,0)"); /* Hive's default */
        return true;
    }
    bool sized =
        strcmp(word, "decimal") == 0 || strcmp(word, "varchar") == 0 || strcmp(word, "char") == 0;
    if (sized && hive_takes(reader, "("))
        return numbers_in_brackets(reader, text, ")");
    reader->at -= !sized;
    return hive_fail(reader);
}

/* ---- columns ---- */

json_t *hive_column(struct hive_reader *reader)
{
    g_autofree char *name = hive_name(reader);
    g_autoptr(GString) words = g_string_new(NULL);
    if (!name || !type(reader, words))
        return NULL;
    g_autofree char *comment = NULL;
    if (hive_takes(reader, "comment") && !(comment = hive_quoted(reader)))
        return NULL;
    json_t *made = json_pack("{ssss}", "Name", name, "Type", words->str);
    json_put(made, "Comment", comment ? json_string(comment) : NULL);
    return made;
}

json_t *hive_columns(struct hive_reader *reader)
{
    g_autoptr(json_auto) columns = json_array();
    if (!hive_needs(reader, "("))
        return NULL;
    do {
        json_t *made = hive_column(reader);
        if (!made)
            return NULL;
        json_array_append_new(columns, made);
    } while (hive_takes(reader, ","));
    return hive_needs(reader, ")") ? g_steal_pointer(&columns) : NULL;
}

/* ---- formats ---- */

#define LAZY_SIMPLE "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
#define TEXT_INPUT "org.apache.hadoop.mapred.TextInputFormat"
#define TEXT_OUTPUT "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat"
#define QL "org.apache.hadoop.hive.ql.io."

/* serde: NULL where the format goes with any; refused: why it is not read. */
static const struct format {
    const char *word, *input, *output, *serde, *refused;
} formats[] = {
    {"textfile", TEXT_INPUT, TEXT_OUTPUT, NULL, NULL},
    {"parquet", QL "parquet.MapredParquetInputFormat", QL "parquet.MapredParquetOutputFormat",
     QL "parquet.serde.ParquetHiveSerDe", NULL},
    {"avro", QL "avro.AvroContainerInputFormat", QL "avro.AvroContainerOutputFormat",
     "org.apache.hadoop.hive.serde2.avro.AvroSerDe", NULL},
    {"jsonfile", TEXT_INPUT, TEXT_OUTPUT, "org.apache.hive.hcatalog.data.JsonSerDe", NULL},
    {"orc", QL "orc.OrcInputFormat", QL "orc.OrcOutputFormat", QL "orc.OrcSerde", "ORC"},
    {"ion", "com.amazon.ionhiveserde.formats.IonInputFormat",
     "com.amazon.ionhiveserde.formats.IonOutputFormat", "com.amazon.ionhiveserde.IonHiveSerDe",
     "Ion"},
    {"rcfile", QL "RCFileInputFormat", QL "RCFileOutputFormat", NULL, "RCFile"},
    {"sequencefile", "org.apache.hadoop.mapred.SequenceFileInputFormat",
     QL "HiveSequenceFileOutputFormat", NULL, "SequenceFile"},
};

/* Serializers that are named in ROW FORMAT SERDE and not read. */
static const struct {
    const char *part, *name;
} refused_serdes[] = {{"orcserde", "ORC"},
                      {"ionhiveserde", "Ion"},
                      {"hudi", "Hudi"},
                      {"iceberg", "Iceberg"},
                      {"delta", "Delta Lake"}};

static bool refuse(struct hive_reader *reader, const char *name)
{
    return error_set(reader->error, ERROR_INVALID_REQUEST,
                     "FAILED: NOT_SUPPORTED: tables in %s are not supported; text, CSV, JSON, "
                     "Parquet and Avro are",
                     name);
}

static json_t *descriptor(json_t *table)
{
    return json_object_get(table, "StorageDescriptor");
}

static void set_descriptor(json_t *table, const char *member, const char *text)
{
    json_object_set_new(descriptor(table), member, json_string(text));
}

static json_t *serde(json_t *table)
{
    return json_object_get(descriptor(table), "SerdeInfo");
}

static bool set_serde(struct hive_reader *reader, json_t *table, const char *library)
{
    g_autofree char *small = g_ascii_strdown(library, -1);
    for (size_t i = 0; i < G_N_ELEMENTS(refused_serdes); i++)
        if (strstr(small, refused_serdes[i].part))
            return refuse(reader, refused_serdes[i].name);
    json_object_set_new(serde(table), "SerializationLibrary", json_string(library));
    return true;
}

static bool set_format(struct hive_reader *reader, json_t *table, const struct format *format)
{
    if (format->refused)
        return refuse(reader, format->refused);
    set_descriptor(table, "InputFormat", format->input);
    set_descriptor(table, "OutputFormat", format->output);
    /* ROW FORMAT SERDE outranks it. */
    return !format->serde || json_object_get(serde(table), "SerializationLibrary") ||
           set_serde(reader, table, format->serde);
}

static bool stored_as_classes(struct hive_reader *reader, json_t *table)
{
    g_autofree char *input = hive_quoted(reader);
    g_autofree char *output =
        input && hive_needs(reader, "outputformat") ? hive_quoted(reader) : NULL;
    if (!output)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (formats[i].refused && strcmp(formats[i].input, input) == 0)
            return refuse(reader, formats[i].refused);
    set_descriptor(table, "InputFormat", input);
    set_descriptor(table, "OutputFormat", output);
    return true;
}

static bool stored_as(struct hive_reader *reader, json_t *table)
{
    if (hive_takes(reader, "inputformat"))
        return stored_as_classes(reader, table);
    for (size_t i = 0; i < G_N_ELEMENTS(formats); i++)
        if (hive_takes(reader, formats[i].word))
            return set_format(reader, table, &formats[i]);
    return hive_fail(reader);
}

/* ---- ROW FORMAT ---- */

static bool set_delimiter(struct hive_reader *reader, json_t *parameters, const char *name)
{
    g_autofree char *text = hive_quoted(reader);
    if (!text)
        return false;
    json_object_set_new(parameters, name, json_string(text));
    return true;
}

static const struct {
    const char *words, *parameter;
} delimiters[] = {
    {"fields terminated by", "field.delim"},
    {"escaped by", "escape.delim"},
    {"collection items terminated by", "collection.delim"},
    {"map keys terminated by", "mapkey.delim"},
    {"lines terminated by", "line.delim"},
    {"null defined as", "serialization.null.format"},
};

static bool delimited(struct hive_reader *reader, json_t *table)
{
    json_t *parameters = json_object_get(serde(table), "Parameters");
    bool any = true;
    while (any) {
        any = false;
        for (size_t i = 0; i < G_N_ELEMENTS(delimiters); i++) {
            if (!hive_takes_words(reader, delimiters[i].words))
                continue;
            if (!set_delimiter(reader, parameters, delimiters[i].parameter))
                return false;
            any = true;
        }
    }
    json_put(parameters, "serialization.format",
             json_incref(json_object_get(parameters, "field.delim")));
    return true;
}

static bool serde_properties(struct hive_reader *reader, json_t *table)
{
    g_autoptr(json_auto) properties = hive_properties(reader);
    return properties &&
           json_object_update(json_object_get(serde(table), "Parameters"), properties) == 0;
}

static bool row_format(struct hive_reader *reader, json_t *table)
{
    if (hive_takes(reader, "delimited"))
        return set_serde(reader, table, LAZY_SIMPLE) && delimited(reader, table);
    g_autofree char *library = hive_needs(reader, "serde") ? hive_quoted(reader) : NULL;
    return library && set_serde(reader, table, library) &&
           (!hive_takes_words(reader, "with serdeproperties") || serde_properties(reader, table));
}

/* ---- buckets, places, properties ---- */

static bool buckets(struct hive_reader *reader, json_t *table)
{
    g_autoptr(json_auto) names = json_array();
    if (!hive_needs(reader, "("))
        return false;
    do {
        g_autofree char *name = hive_name(reader);
        if (!name)
            return false;
        json_array_append_new(names, json_string(name));
    } while (hive_takes(reader, ","));
    if (!hive_needs_words(reader, ") into") || hive_here(reader)->kind != HIVE_NUMBER)
        return hive_fail(reader);
    gint64 count = g_ascii_strtoll(hive_here(reader)->text, NULL, 10);
    reader->at++;
    json_object_set(descriptor(table), "BucketColumns", names);
    json_object_set_new(descriptor(table), "NumberOfBuckets", json_integer(count));
    return hive_needs(reader, "buckets");
}

/* As Hive writes a path: no slash at its end, but for a bucket alone. */
static void trim_slashes(char *uri)
{
    const char *slash = strchr(uri + strlen("s3://"), '/');
    for (size_t size = strlen(uri); slash && uri + size - 1 > slash && uri[size - 1] == '/';)
        uri[--size] = '\0';
}

static bool location(struct hive_reader *reader, json_t *table)
{
    g_autofree char *uri = hive_quoted(reader);
    if (!uri)
        return false;
    if (!g_str_has_prefix(uri, "s3://"))
        return error_set(reader->error, ERROR_INVALID_REQUEST,
                         "FAILED: SemanticException LOCATION '%s' is no place in S3: "
                         "s3://bucket/prefix/ would be one",
                         uri);
    trim_slashes(uri);
    set_descriptor(table, "Location", uri);
    return true;
}

static bool table_properties(struct hive_reader *reader, json_t *table)
{
    g_autoptr(json_auto) properties = hive_properties(reader);
    const char *kind = json_text_at(properties, "table_type");
    if (kind && g_ascii_strcasecmp(kind, "iceberg") == 0)
        return refuse(reader, "Iceberg");
    if (kind && g_ascii_strcasecmp(kind, "delta") == 0)
        return refuse(reader, "Delta Lake");
    return properties && json_object_update(json_object_get(table, "Parameters"), properties) == 0;
}

static bool comment(struct hive_reader *reader, json_t *table)
{
    g_autofree char *text = hive_quoted(reader);
    if (text)
        json_object_set_new(json_object_get(table, "Parameters"), "comment", json_string(text));
    return text != NULL;
}

static bool partitioned(struct hive_reader *reader, json_t *table)
{
    json_t *columns = hive_columns(reader);
    if (columns)
        json_object_set_new(table, "PartitionKeys", columns);
    return columns != NULL;
}

/* ---- the whole ---- */

static const struct clause {
    const char *words;
    bool (*read)(struct hive_reader *reader, json_t *table);
} clauses[] = {
    {"comment", comment},      {"partitioned by", partitioned},
    {"clustered by", buckets}, {"row format", row_format},
    {"stored as", stored_as},  {"with serdeproperties", serde_properties},
    {"location", location},    {"tblproperties", table_properties},
};

static bool read_clauses(struct hive_reader *reader, json_t *table)
{
    while (hive_here(reader)->kind != HIVE_END) {
        const struct clause *clause = clauses;
        while (clause < clauses + G_N_ELEMENTS(clauses) && !hive_takes_words(reader, clause->words))
            clause++;
        if (clause == clauses + G_N_ELEMENTS(clauses))
            return hive_fail(reader);
        if (!clause->read(reader, table))
            return false;
    }
    return true;
}

static bool check_names(struct hive_reader *reader, const json_t *table)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    const json_t *lists[] = {json_at(table, "StorageDescriptor.Columns"),
                             json_object_get(table, "PartitionKeys")};
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        size_t j;
        const json_t *each;
        json_array_foreach(lists[i], j, each)
        {
            const char *name = json_text_at(each, "Name");
            if (!g_hash_table_add(seen, (void *)name))
                return error_set(reader->error, ERROR_INVALID_REQUEST,
                                 "FAILED: SemanticException [Error 10036]: Duplicate column name: "
                                 "%s%s",
                                 name, i ? " (a partition key is no column beside)" : "");
        }
    }
    return true;
}

static bool complete(struct hive_reader *reader, json_t *table)
{
    if (!json_object_get(serde(table), "SerializationLibrary"))
        set_serde(reader, table, LAZY_SIMPLE);
    if (!json_object_get(descriptor(table), "InputFormat"))
        set_format(reader, table, &formats[0]);
    if (!json_object_get(descriptor(table), "Location"))
        return error_set(reader->error, ERROR_INVALID_REQUEST,
                         "FAILED: SemanticException An external table needs its place: LOCATION "
                         "'s3://bucket/prefix/'");
    return check_names(reader, table);
}

json_t *hive_table_input(struct hive_reader *reader)
{
    json_t *columns = hive_columns(reader);
    if (!columns)
        return NULL;
    g_autoptr(json_auto) table =
        json_pack("{s{sos{s{}}s{}}sss{ss}s[]}", "StorageDescriptor", "Columns", columns,
                  "SerdeInfo", "Parameters", "Parameters", "TableType", "EXTERNAL_TABLE",
                  "Parameters", "EXTERNAL", "TRUE", "PartitionKeys");
    bool made = read_clauses(reader, table) && complete(reader, table);
    return made ? g_steal_pointer(&table) : NULL;
}
