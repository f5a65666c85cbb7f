/* Delimited text. What Glue's documentation says of its own classifier holds of ours: a header is a
 * first record of texts over at least one column that holds other things; without one columns are
 * col0, col1 ... */
#include <string.h>

#include "crawl/classify_inside.h"
#include "csv/reader.h"
#include "parse/number.h"

#define MOST_COLUMNS 4096
#define LONGEST_NAME 150
#define LOOK_RECORDS 200 /* by which a delimiter is chosen */

/* ---- values ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static void trim(struct csv_text *text)
{
    while (text->size && is_blank(text->bytes[text->size - 1]))
        text->size--;
    while (text->size && is_blank(*text->bytes)) {
        text->bytes++;
        text->size--;
    }
}

/* Digits that a bigint holds. */
static bool is_whole(const struct csv_text *text)
{
    size_t at = text->size && (*text->bytes == '-' || *text->bytes == '+'), digits = 0;
    for (; at < text->size && g_ascii_isdigit(text->bytes[at]); at++)
        digits++;
    return digits && at == text->size && digits <= 18;
}

static bool is_word(const struct csv_text *text, const char *word)
{
    return text->size == strlen(word) && g_ascii_strncasecmp(text->bytes, word, text->size) == 0;
}

/* Numbers of more digits than a bigint's stay texts: a double would lose some. */
static bool is_fraction(const struct csv_text *text)
{
    double value;
    if (!strpbrk("0123456789+-.N", (char[]){*text->bytes, '\0'}))
        return false;
    if (*text->bytes == 'N')
        return text->size == 3 && memcmp(text->bytes, "NaN", 3) == 0;
    if (!memchr(text->bytes, '.', text->size) && !memchr(text->bytes, 'e', text->size) &&
        !memchr(text->bytes, 'E', text->size))
        return false;
    return number_parse(text->bytes, text->size, &value);
}

static enum type_kind kind_of(const struct csv_text *text)
{
    if (!text->size)
        return TYPE_NONE;
    if (is_whole(text))
        return TYPE_BIGINT;
    if (is_fraction(text))
        return TYPE_DOUBLE;
    return is_word(text, "true") || is_word(text, "false") ? TYPE_BOOLEAN : TYPE_STRING;
}

static enum type_kind join(enum type_kind a, enum type_kind b)
{
    if (a == b || b == TYPE_NONE)
        return a;
    if (a == TYPE_NONE)
        return b;
    bool numbers = (a == TYPE_BIGINT || a == TYPE_DOUBLE) && (b == TYPE_BIGINT || b == TYPE_DOUBLE);
    return numbers ? TYPE_DOUBLE : TYPE_STRING;
}

/* ---- reading ---- */

struct column {
    char *first;                     /* what the first record has */
    enum type_kind first_kind, kind; /* of it; of the others */
    bool empty;                      /* one of the others has nothing there */
};

struct reading {
    struct csv_dialect dialect;
    bool trims;
    size_t records;
    size_t width;   /* fields of most records */
    size_t fitting; /* records that have so many */
    size_t bytes;
    bool quoted;
    bool differs; /* a record behind the first has something other than text */
    GArray *columns;
    size_t *widths; /* how many records have so many fields */
    struct csv_text *fields;
    struct csv_scratch scratch;
};

static void reading_clear(struct reading *reading)
{
    for (guint i = 0; i < reading->columns->len; i++)
        g_free(g_array_index(reading->columns, struct column, i).first);
    g_array_unref(reading->columns);
    g_free(reading->widths);
    g_free(reading->fields);
    g_free(reading->scratch.bytes);
}

static void take_first(struct reading *reading, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct csv_text *field = &reading->fields[i];
        struct column column = {.first_kind = kind_of(field)};
        g_autofree char *bytes = g_strndup(field->bytes, field->size);
        column.first = g_utf8_make_valid(bytes, -1);
        g_array_append_val(reading->columns, column);
    }
}

static void take_field(struct reading *reading, size_t place, const struct csv_text *field)
{
    if (place >= reading->columns->len)
        g_array_set_size(reading->columns, (guint)place + 1);
    struct column *column = &g_array_index(reading->columns, struct column, place);
    column->empty |= !field->size;
    if (column->kind == TYPE_STRING && reading->differs)
        return;
    enum type_kind kind = kind_of(field);
    reading->differs |= kind != TYPE_NONE && kind != TYPE_STRING;
    column->kind = join(column->kind, kind);
}

static void take_record(struct reading *reading, size_t count)
{
    count = MIN(count, MOST_COLUMNS);
    for (size_t i = 0; i < count; i++) {
        reading->quoted |= reading->fields[i].quoted;
        if (reading->trims && !reading->fields[i].quoted)
            trim(&reading->fields[i]);
    }
    reading->widths[count]++;
    if (reading->records++ == 0) {
        take_first(reading, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        take_field(reading, i, &reading->fields[i]);
}

static size_t readable(const struct sample *sample, const struct csv_dialect *dialect)
{
    return sample->whole ? sample->size : csv_whole_records(sample->bytes, sample->size, dialect);
}

/* Columns that only odd records have are none. */
static void find_width(struct reading *reading)
{
    for (size_t i = 0; i <= MOST_COLUMNS; i++)
        if (reading->widths[i] > reading->fitting) {
            reading->fitting = reading->widths[i];
            reading->width = i;
        }
    for (guint i = (guint)reading->width; i < reading->columns->len; i++)
        g_free(g_array_index(reading->columns, struct column, i).first);
    if (reading->columns->len > reading->width)
        g_array_set_size(reading->columns, (guint)reading->width);
}

/* Up to `most` records (0: all). False where the text is not of this dialect. */
static bool read_records(struct reading *reading, const struct sample *sample, size_t most)
{
    struct csv_reader reader;
    size_t count, size = readable(sample, &reading->dialect);
    csv_reader_start(&reader, sample->key, sample->bytes, size, &reading->dialect,
                     reading->scratch);
    enum csv_step step = CSV_RECORD;
    while ((!most || reading->records < most) &&
           (step = csv_reader_next(&reader, reading->fields, MOST_COLUMNS, &count, NULL)) ==
               CSV_RECORD) {
        reader.scratch.used = 0;
        take_record(reading, count);
    }
    reading->bytes = (size_t)(reader.at - sample->bytes);
    find_width(reading);
    return step != CSV_FAILED;
}

/* Records from farther behind, of which only those that are as wide as the others say something: a
 * piece may begin within quotes. */
static void read_pieces(struct reading *reading, const struct sample *sample)
{
    for (size_t i = 0; i < SAMPLE_PIECES; i++) {
        struct sample piece;
        struct csv_reader reader;
        size_t count;
        if (!sample_piece(sample, i, &piece))
            continue;
        csv_reader_start(&reader, piece.key, piece.bytes, piece.size, &reading->dialect,
                         reading->scratch);
        while (csv_reader_next(&reader, reading->fields, MOST_COLUMNS, &count, NULL) ==
               CSV_RECORD) {
            reader.scratch.used = 0;
            if (count != reading->width)
                continue;
            for (size_t f = 0; f < MIN(count, reading->columns->len); f++) {
                if (reading->trims && !reading->fields[f].quoted)
                    trim(&reading->fields[f]);
                take_field(reading, f, &reading->fields[f]);
            }
        }
    }
}

static bool read_dialect(struct reading *reading, const struct sample *sample, char delimiter,
                         char quote, size_t most, bool trims)
{
    *reading = (struct reading){
        .dialect = {.delimiter = delimiter, .quote = quote, .no_quotes = !quote},
        .trims = trims,
        .columns = g_array_new(FALSE, TRUE, sizeof(struct column)),
        .widths = g_new0(size_t, MOST_COLUMNS + 1),
        .fields = g_new(struct csv_text, MOST_COLUMNS),
        .scratch = {.bytes = g_malloc(sample->size + 1), .size = sample->size + 1},
    };
    return read_records(reading, sample, most);
}

/* ---- the delimiter ---- */

struct choice {
    char delimiter, quote;
    double fitting;
    size_t width, records;
};

static bool is_better(const struct choice *a, const struct choice *b)
{
    if (a->fitting != b->fitting)
        return a->fitting > b->fitting;
    return a->width > b->width;
}

static void try_delimiter(const struct sample *sample, char delimiter, char quote,
                          struct choice *best)
{
    struct reading reading;
    struct choice choice = {.delimiter = delimiter, .quote = quote};
    if (read_dialect(&reading, sample, delimiter, quote, LOOK_RECORDS, true) && reading.width > 1) {
        choice.width = reading.width;
        choice.records = reading.records;
        choice.fitting = (double)reading.fitting / (double)reading.records;
        if (choice.fitting >= 0.8 && is_better(&choice, best))
            *best = choice;
    }
    reading_clear(&reading);
}

static struct choice choose(const struct sample *sample)
{
    static const char delimiters[] = {',', '|', '\t', ';', '\1'};
    static const char quotes[] = {'"', '\0'};
    struct choice best = {0};
    for (size_t q = 0; q < G_N_ELEMENTS(quotes) && !best.width; q++)
        for (size_t i = 0; i < G_N_ELEMENTS(delimiters); i++)
            try_delimiter(sample, delimiters[i], quotes[q], &best);
    return best;
}

/* ---- what is made of it ---- */

/* Columns at the end that have no name and no value come of delimiters at the ends of records. */
static void drop_empty(struct reading *reading)
{
    while (reading->columns->len > 1) {
        guint last = reading->columns->len - 1;
        struct column *column = &g_array_index(reading->columns, struct column, last);
        if (column->kind != TYPE_NONE || (column->first && *column->first))
            return;
        g_free(column->first);
        g_array_set_size(reading->columns, last);
    }
}

static bool may_be_header(const struct reading *reading)
{
    for (guint i = 0; i < reading->columns->len; i++) {
        const struct column *column = &g_array_index(reading->columns, struct column, i);
        const char *first = column->first ? column->first : "";
        if ((column->first_kind != TYPE_STRING && *first) ||
            (i + 1 < reading->columns->len && strlen(first) >= LONGEST_NAME))
            return false;
    }
    return reading->differs && reading->records > 1;
}

/* The names that a user's classifier has, in any case, are what the first record says. */
static bool is_header_given(const struct reading *reading, const json_t *header)
{
    for (guint i = 0; i < reading->columns->len; i++) {
        const char *first = g_array_index(reading->columns, struct column, i).first;
        const char *name = json_string_value(json_array_get(header, i));
        if (!name || !first || g_ascii_strcasecmp(name, first) != 0)
            return false;
    }
    return reading->columns->len > 0;
}

static bool has_header(const struct reading *reading, const json_t *custom)
{
    const char *option = json_text_at(custom, "ContainsHeader");
    if (option && strcmp(option, "PRESENT") == 0)
        return true;
    if (option && strcmp(option, "ABSENT") == 0)
        return false;
    return may_be_header(reading) || is_header_given(reading, json_object_get(custom, "Header"));
}

/* In lower case, in one line, unlike those before it. g_free. */
static char *name_of(const char *given, guint place, GHashTable *taken)
{
    g_autofree char *folded = g_utf8_strdown(given ? given : "", -1);
    g_strstrip(g_strdelimit(folded, "\r\n\t", ' '));
    char *name = *folded ? g_steal_pointer(&folded) : g_strdup_printf("col%u", place);
    while (!g_hash_table_add(taken, g_strdup(name))) {
        char *other = g_strdup_printf("%s_%u", name, place);
        g_free(name);
        name = other;
    }
    return name;
}

/* A type of Glue's list of custom ones, in Hive's words. */
static const char *custom_type(const json_t *custom, guint place)
{
    static const struct {
        const char *glue, *hive;
    } types[] = {{"BINARY", "binary"},
                 {"BOOLEAN", "boolean"},
                 {"DATE", "date"},
                 {"INT", "int"},
                 {"DECIMAL", "decimal(38,18)"},
                 {"DOUBLE", "double"},
                 {"LONG", "bigint"},
                 {"FLOAT", "float"},
                 {"SHORT", "smallint"},
                 {"STRING", "string"},
                 {"TIMESTAMP", "timestamp"}};
    const char *word =
        json_true_at(custom, "CustomDatatypeConfigured")
            ? json_string_value(json_array_get(json_object_get(custom, "CustomDatatypes"), place))
            : NULL;
    for (size_t i = 0; word && i < G_N_ELEMENTS(types); i++)
        if (g_ascii_strcasecmp(types[i].glue, word) == 0)
            return types[i].hive;
    return NULL;
}

static enum type_kind kind_of_column(const struct column *column, bool header, bool empty_is_text)
{
    enum type_kind kind = header ? column->kind : join(column->kind, column->first_kind);
    bool empty = column->empty || (!header && column->first && !*column->first);
    return empty && empty_is_text && kind != TYPE_NONE ? TYPE_STRING : kind;
}

static json_t *columns_of(const struct reading *reading, bool header, bool open_csv,
                          const json_t *custom)
{
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    const json_t *names = json_object_get(custom, "Header");
    json_t *columns = json_array();
    for (guint i = 0; i < reading->columns->len; i++) {
        const struct column *column = &g_array_index(reading->columns, struct column, i);
        const char *given = json_string_value(json_array_get(names, i));
        g_autofree char *name = name_of(given              ? given
                                        : header && !names ? column->first
                                                           : NULL,
                                        i, taken);
        struct type type = {.kind = kind_of_column(column, header, open_csv)};
        json_t *told = column_new(name, &type);
        if (!open_csv && column->empty)
            json_object_set_new(told, "Nulls", json_true());
        if (custom_type(custom, i))
            json_object_set_new(told, "Type", json_string(custom_type(custom, i)));
        json_array_append_new(columns, told);
    }
    return columns;
}

/* Where all is text nobody can tell a header; beside a file that has one, its names do. */
static void keep_first(const struct reading *reading, json_t *schema)
{
    json_t *names = json_array();
    g_autoptr(GHashTable) taken = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    for (guint i = 0; i < reading->columns->len; i++) {
        const struct column *column = &g_array_index(reading->columns, struct column, i);
        g_autofree char *name = name_of(column->first, i, taken);
        if (column->first_kind != TYPE_STRING || strlen(name) >= LONGEST_NAME ||
            (column->kind != TYPE_STRING && column->kind != TYPE_NONE)) {
            json_decref(names);
            return;
        }
        json_array_append_new(names, json_string(name));
    }
    json_object_set_new(schema, "First", names);
}

/* OpenCSVSerde reads quotes, and knows no empty field but a text; LazySimpleSerDe the reverse. */
static bool is_open_csv(const struct reading *reading, const json_t *custom)
{
    const char *serde = json_text_at(custom, "Serde");
    if (serde && strcmp(serde, "None") != 0)
        return strcmp(serde, "OpenCSVSerDe") == 0;
    return reading->quoted;
}

static json_t *serde_parameters(const struct reading *reading, bool open_csv)
{
    char delimiter[] = {reading->dialect.delimiter, '\0'};
    char quote[] = {reading->dialect.quote ? reading->dialect.quote : '"', '\0'};
    if (!open_csv)
        return json_pack("{ssss}", "field.delim", delimiter, "serialization.format", delimiter);
    return json_pack("{ssssss}", "separatorChar", delimiter, "quoteChar", quote, "escapeChar",
                     "\\");
}

static json_t *schema_of(struct reading *reading, const json_t *custom)
{
    char delimiter[] = {reading->dialect.delimiter, '\0'};
    bool header = has_header(reading, custom), open_csv = is_open_csv(reading, custom);
    json_t *schema = schema_new("csv", columns_of(reading, header, open_csv, custom),
                                open_csv ? "org.apache.hadoop.hive.serde2.OpenCSVSerde"
                                         : "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe",
                                serde_parameters(reading, open_csv));
    json_t *parameters = json_object_get(schema, "Parameters");
    json_object_set_new(schema, "Positional", json_true());
    json_object_set_new(schema, "RecordSize",
                        json_integer((json_int_t)(reading->bytes / reading->records)));
    json_object_set_new(parameters, "delimiter", json_string(delimiter));
    json_object_set_new(parameters, "columnsOrdered", json_string("true"));
    json_object_set_new(parameters, "areColumnsQuoted",
                        json_string(reading->quoted ? "true" : "false"));
    if (header)
        json_object_set_new(parameters, "skip.header.line.count", json_string("1"));
    else if (!custom)
        keep_first(reading, schema);
    return schema;
}

/* One record alone may be a sentence; with a number in it, it is believed. */
static bool is_weak(const struct reading *reading, const json_t *custom)
{
    bool texts = true;
    for (guint i = 0; i < reading->columns->len; i++)
        texts &= g_array_index(reading->columns, struct column, i).first_kind == TYPE_STRING;
    return !custom && reading->records < 2 && texts;
}

static bool is_wide_enough(const struct reading *reading, const json_t *custom)
{
    return reading->records && reading->columns->len &&
           (reading->columns->len > 1 || json_true_at(custom, "AllowSingleColumn")) &&
           (double)reading->fitting >= 0.8 * (double)reading->records;
}

static json_t *read_schema(const struct sample *sample, char delimiter, char quote, bool trims,
                           const json_t *custom)
{
    struct reading reading;
    json_t *schema = NULL;
    if (read_dialect(&reading, sample, delimiter, quote, 0, trims)) {
        read_pieces(&reading, sample);
        drop_empty(&reading);
        if (is_wide_enough(&reading, custom) && !is_weak(&reading, custom))
            schema = schema_of(&reading, custom);
    }
    reading_clear(&reading);
    return schema;
}

/* Columns that spaces divide are no format of Glue's own; they are believed where each record has
 * as many, and numbers among them. */
static json_t *read_spaced(const struct sample *sample)
{
    struct choice best = {0};
    try_delimiter(sample, ' ', '\0', &best);
    g_autoptr(json_auto) schema =
        best.fitting == 1 && best.records > 1 ? read_schema(sample, ' ', '\0', true, NULL) : NULL;
    size_t i;
    const json_t *column;
    json_array_foreach(json_object_get(schema, "Columns"), i, column)
    {
        const char *type = json_text_at(column, "Type");
        if (type && (strcmp(type, "bigint") == 0 || strcmp(type, "double") == 0))
            return json_incref(schema);
    }
    return NULL;
}

json_t *classify_csv(const struct sample *sample, const json_t *custom)
{
    const char *delimiter = json_text_at(custom, "Delimiter");
    const char *quote = json_text_at(custom, "QuoteSymbol");
    bool trims = !json_true_at(custom, "DisableValueTrimming");
    struct choice best = {0};
    if (delimiter && *delimiter)
        return read_schema(sample, *delimiter, quote && *quote ? *quote : '"', trims, custom);
    best = choose(sample);
    if (best.width)
        return read_schema(sample, best.delimiter, quote && *quote ? *quote : best.quote, trims,
                           custom);
    if (json_true_at(custom, "AllowSingleColumn"))
        return read_schema(sample, ',', '"', trims, custom);
    return custom ? NULL : read_spaced(sample);
}
