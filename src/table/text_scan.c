#include "table/text_scan.h"

#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/error.h"
#include "table/avro.h"
#include "table/logical.h"
#include "table/moment.h"
#include "table/serde.h"
#include "table/text_lines.h"

/* A part of a plain file that one thread reads at a time. */
enum { PART = 16 << 20 };

struct part {
    const struct relation_file *file;
    int64_t from, to;
};

/* A statement's reading of one relation. */
struct reading {
    const struct text_scan *scan;
    const struct relation *relation;
    struct serde *serde;
    uint64_t *wanted; /* the columns' numbers */
    size_t width;
    GArray *parts; /* struct part */
    pthread_mutex_t lock;
    guint next;
};

/* A thread's part in it. */
struct reader_thread {
    const struct reading *reading;
    struct serde_work work;
    struct text_lines *lines;
    struct avro_file *avro; /* instead of lines */
    const struct relation_file *file;
};

enum { HIDDEN = 3 };
static const struct sql_type path_type = {.kind = SQL_VARCHAR, .precision = SQL_UNBOUNDED};
static const struct sql_type size_type = {.kind = SQL_BIGINT};
static const struct sql_type time_type = {.kind = SQL_TIMESTAMP_ZONED, .precision = 3};
static const struct {
    const char *name;
    const struct sql_type *type;
} hidden[HIDDEN] = {
    {"$path", &path_type}, {"$file_size", &size_type}, {"$file_modified_time", &time_type}};

static const struct sql_type *type_at(const struct relation *relation, uint64_t column)
{
    if (column < relation->column_count)
        return relation->columns[column].type;
    column -= relation->column_count;
    if (column < relation->partition_count)
        return relation->partitions[column].type;
    column -= relation->partition_count;
    return column < HIDDEN ? hidden[column].type : NULL;
}

/* ---- what there is ---- */

static void add_column(const struct duckdb_library *library, void *info, const char *name,
                       const struct sql_type *type)
{
    void *logical = logical_of(library, type);
    library->bind_add_result_column(info, name, logical);
    library->destroy_logical_type(&logical);
}

static const struct relation *relation_asked(const struct text_scan *scan, void *info)
{
    void *value = scan->library->bind_get_parameter(info, 0);
    int64_t number = scan->library->get_int64(value);
    scan->library->destroy_value(&value);
    return number >= 0 && (size_t)number < scan->count ? scan->relations[number] : NULL;
}

struct bound {
    const struct text_scan *scan;
    const struct relation *relation;
};

static void bind(void *info)
{
    struct text_scan *scan = duckdb_library_of_engine()->bind_get_extra_info(info);
    const struct relation *relation = relation_asked(scan, info);
    if (!relation) {
        scan->library->bind_set_error(info, "there is no such relation");
        return;
    }
    for (size_t i = 0; i < relation->column_count; i++)
        add_column(scan->library, info, relation->columns[i].name, relation->columns[i].type);
    for (size_t i = 0; i < relation->partition_count; i++)
        add_column(scan->library, info, relation->partitions[i].name, relation->partitions[i].type);
    for (size_t i = 0; i < HIDDEN; i++)
        add_column(scan->library, info, hidden[i].name, hidden[i].type);
    struct bound *bound = g_new(struct bound, 1);
    *bound = (struct bound){scan, relation};
    scan->library->bind_set_bind_data(info, bound, g_free);
}

/* ---- a statement begins ---- */

static void free_reading(void *data)
{
    struct reading *reading = data;
    serde_close(reading->serde);
    g_array_unref(reading->parts);
    pthread_mutex_destroy(&reading->lock);
    g_free(reading->wanted);
    g_free(reading);
}

static bool is_avro(const struct reading *reading)
{
    return reading->relation->format == RELATION_AVRO;
}

static void add_parts(struct reading *reading, const struct relation_file *file)
{
    struct stat status;
    int64_t size = file->size;
    if (size < 0)
        size = stat(file->path, &status) == 0 ? (int64_t)status.st_size : 0;
    struct part part = {file, 0, -1};
    if (!is_avro(reading) && !text_lines_splits(file->uri)) {
        g_array_append_val(reading->parts, part);
        return;
    }
    for (; part.from < size; part.from += PART) {
        part.to = part.from + PART < size ? part.from + PART : -1;
        g_array_append_val(reading->parts, part);
    }
}

/* Trino's and Hive's errors begin with their names. */
static char *marked(const GError *error)
{
    return g_strconcat("TRINO:", error->message, NULL);
}

static void init(void *info)
{
    const struct duckdb_library *library = duckdb_library_of_engine();
    const struct bound *bound = library->init_get_bind_data(info);
    struct reading *reading = g_new0(struct reading, 1);
    reading->scan = bound->scan;
    reading->relation = bound->relation;
    reading->parts = g_array_new(FALSE, FALSE, sizeof(struct part));
    pthread_mutex_init(&reading->lock, NULL);
    reading->width = library->init_get_column_count(info);
    reading->wanted = g_new(uint64_t, reading->width + 1);
    for (size_t i = 0; i < reading->width; i++)
        reading->wanted[i] = library->init_get_column_index(info, i);
    for (size_t i = 0; i < bound->relation->file_count; i++)
        add_parts(reading, &bound->relation->files[i]);
    library->init_set_max_threads(info, MAX(reading->parts->len, 1));
    library->init_set_init_data(info, reading, free_reading);
    g_autoptr(GError) error = NULL;
    if (is_avro(reading))
        return;
    reading->serde = serde_open(bound->relation, &error);
    g_autofree char *text = reading->serde ? NULL : marked(error);
    if (text)
        library->init_set_error(info, text);
}

static void free_thread(void *data)
{
    struct reader_thread *thread = data;
    text_lines_close(thread->lines);
    avro_file_close(thread->avro);
    if (thread->reading && thread->reading->serde)
        serde_end(thread->reading->serde, &thread->work);
    g_free(thread);
}

static void init_thread(void *info)
{
    duckdb_library_of_engine()->init_set_init_data(info, g_new0(struct reader_thread, 1),
                                                   free_thread);
}

/* ---- rows ---- */

static bool pass_heads(const struct reading *reading, struct text_lines *lines, GError **error)
{
    const char *line;
    size_t size;
    g_autoptr(GError) failed = NULL;
    for (int64_t i = 0; i < reading->serde->heads; i++)
        if (!text_lines_next(lines, &line, &size, &failed))
            break;
    if (!failed)
        return true;
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

static bool open_part(const struct reading *reading, struct reader_thread *thread,
                      const struct part *part, GError **error)
{
    thread->file = part->file;
    if (is_avro(reading)) {
        thread->avro = avro_file_open(reading->relation, part->file, part->from, part->to, error);
        return thread->avro != NULL;
    }
    thread->lines = text_lines_open(part->file->path, part->file->uri, part->from, part->to, error);
    return thread->lines && (part->from || pass_heads(reading, thread->lines, error));
}

static void close_part(struct reader_thread *thread)
{
    g_clear_pointer(&thread->lines, text_lines_close);
    g_clear_pointer(&thread->avro, avro_file_close);
}

static bool has_part(const struct reader_thread *thread)
{
    return thread->lines || thread->avro;
}

/* Takes up the next part; true without one where there is none left. */
static bool next_part(struct reading *reading, struct reader_thread *thread, GError **error)
{
    close_part(thread);
    pthread_mutex_lock(&reading->lock);
    bool over = reading->next == reading->parts->len;
    guint number = over ? 0 : reading->next++;
    pthread_mutex_unlock(&reading->lock);
    if (over)
        return true;
    return open_part(reading, thread, &g_array_index(reading->parts, struct part, number), error);
}

static bool set_partition(const struct relation *relation, const struct relation_file *file,
                          size_t i, struct sink *sink, uint64_t rows, GError **error)
{
    const char *value = file->values[i];
    for (uint64_t row = 0; row < rows; row++)
        if (!value)
            sink_null(sink, row);
        else if (!sink_parse(sink, row, value, strlen(value)))
            return relation_fail_value(relation, i, value, error);
    return true;
}

static void set_hidden(const struct relation_file *file, size_t i, struct sink *sink, uint64_t rows)
{
    struct stat status = {0};
    bool known = file->size >= 0 && file->modified > 0;
    if (i > 0 && !known)
        (void)!stat(file->path, &status);
    int64_t size = file->size >= 0 ? file->size : (int64_t)status.st_size;
    double modified = file->modified > 0 ? file->modified : (double)status.st_mtime;
    for (uint64_t row = 0; row < rows; row++) {
        if (i == 0)
            sink_text(sink, row, file->uri, strlen(file->uri));
        else if (i == 1)
            sink_integer(sink, row, size);
        else {
            sink_integer(&sink->children[0], row, (int64_t)(modified * 1000) * 1000);
            sink_text(&sink->children[1], row, "UTC", 3);
        }
    }
}

/* The columns that are the file's. */
static bool set_rest(const struct reading *reading, const struct relation_file *file,
                     struct sink *sinks, uint64_t rows, GError **error)
{
    const struct relation *relation = reading->relation;
    for (size_t i = 0; i < reading->width; i++) {
        uint64_t column = reading->wanted[i] - relation->column_count;
        if (reading->wanted[i] < relation->column_count || !sinks[i].library)
            continue;
        if (column < relation->partition_count) {
            if (!set_partition(relation, file, column, &sinks[i], rows, error))
                return false;
        } else {
            set_hidden(file, column - relation->partition_count, &sinks[i], rows);
        }
    }
    return true;
}

static bool read_rows(const struct reading *reading, struct reader_thread *thread,
                      struct sink *const *columns, uint64_t *rows, GError **error)
{
    const char *line;
    size_t size;
    uint64_t room = reading->scan->library->vector_size();
    g_autoptr(GError) failed = NULL;
    if (thread->avro)
        return avro_file_read(thread->avro, columns, room, rows, error);
    while (*rows < room && text_lines_next(thread->lines, &line, &size, &failed)) {
        if (!reading->serde->kind->read(reading->serde, &thread->work, line, size, columns, *rows,
                                        &failed))
            break;
        ++*rows;
    }
    if (!failed)
        return true;
    g_propagate_error(error, g_steal_pointer(&failed));
    return false;
}

static bool fill_chunk(struct reading *reading, struct reader_thread *thread, struct sink *sinks,
                       struct sink **columns, uint64_t *rows, GError **error)
{
    while (*rows == 0) {
        if (!has_part(thread) && !next_part(reading, thread, error))
            return false;
        if (!has_part(thread))
            return true;
        if (!read_rows(reading, thread, columns, rows, error))
            return false;
        if (*rows == 0)
            close_part(thread);
    }
    return set_rest(reading, thread->file, sinks, *rows, error);
}

static void fill(void *info, void *chunk)
{
    const struct duckdb_library *library = duckdb_library_of_engine();
    struct reading *reading = library->function_get_init_data(info);
    struct reader_thread *thread = library->function_get_local_init_data(info);
    const struct relation *relation = reading->relation;
    if (!thread->reading) {
        thread->reading = reading;
        if (reading->serde)
            serde_begin(reading->serde, &thread->work);
    }
    struct sink *sinks = g_new0(struct sink, reading->width);
    struct sink **columns = g_new0(struct sink *, relation->column_count + 1);
    for (size_t i = 0; i < reading->width; i++) {
        const struct sql_type *type = type_at(relation, reading->wanted[i]);
        if (type)
            sink_open(&sinks[i], library, type, library->data_chunk_get_vector(chunk, i));
        if (reading->wanted[i] < relation->column_count)
            columns[reading->wanted[i]] = &sinks[i];
    }
    uint64_t rows = 0;
    g_autoptr(GError) error = NULL;
    if (!fill_chunk(reading, thread, sinks, columns, &rows, &error)) {
        g_autofree char *text = marked(error);
        library->function_set_error(info, text);
        rows = 0;
    }
    library->data_chunk_set_size(chunk, rows);
    for (size_t i = 0; i < reading->width; i++)
        sink_close(&sinks[i]);
    g_free(sinks);
    g_free(columns);
}

bool text_scan_register(struct text_scan *scan, void *connection, GError **error)
{
    const struct duckdb_library *library = scan->library;
    void *function = library->create_table_function();
    void *number = library->create_logical_type(DUCKDB_BIGINT);
    library->table_function_set_name(function, "text_scan");
    library->table_function_add_parameter(function, number);
    library->table_function_set_extra_info(function, scan, NULL);
    library->table_function_set_bind(function, bind);
    library->table_function_set_init(function, init);
    library->table_function_set_local_init(function, init_thread);
    library->table_function_set_function(function, fill);
    library->table_function_supports_projection_pushdown(function, true);
    bool good = library->register_table_function(connection, function) == 0 ||
                error_set(error, ERROR_INTERNAL, "DuckDB took no function text_scan");
    library->destroy_logical_type(&number);
    library->destroy_table_function(&function);
    return good;
}
