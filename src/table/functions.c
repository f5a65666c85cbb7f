#include "table/functions.h"

#include <stdarg.h>
#include <string.h>

#include "base/error.h"
#include "table/logical.h"

static const struct function *const families[] = {
    functions_text,   functions_regexp, functions_moment, functions_json, functions_binary,
    functions_number, functions_cast,   functions_format, functions_java, functions_jsonpath,
};

/* ---- arguments ---- */

bool call_is_null(const struct function_call *call, size_t i)
{
    return value_is_null(&call->arguments[i], call->row);
}

const char *call_text(const struct function_call *call, size_t i, size_t *size)
{
    return value_bytes(&call->arguments[i], call->row, size);
}

int64_t call_integer(const struct function_call *call, size_t i)
{
    return (int64_t)value_integer(&call->arguments[i], call->row);
}

double call_double(const struct function_call *call, size_t i)
{
    return value_double(&call->arguments[i], call->row);
}

const struct value_view *call_list(const struct function_call *call, size_t i, uint64_t *first,
                                   uint64_t *count)
{
    const struct value_view *view = &call->arguments[i];
    const struct duckdb_list_entry *entry =
        (const struct duckdb_list_entry *)view->data + call->row;
    *first = entry->offset;
    *count = entry->length;
    return &view->children[0];
}

/* ---- results ---- */

bool give_null(struct function_call *call)
{
    sink_null(call->result, call->row);
    return true;
}

bool give_text(struct function_call *call, const char *bytes, size_t size)
{
    sink_text(call->result, call->row, bytes, size);
    return true;
}

bool give_bytes(struct function_call *call, const void *bytes, size_t size)
{
    sink_bytes(call->result, call->row, bytes, size);
    return true;
}

bool give_made(struct function_call *call)
{
    return give_text(call, call->text->str, call->text->len);
}

bool give_integer(struct function_call *call, int64_t value)
{
    sink_integer(call->result, call->row, value);
    return true;
}

bool give_double(struct function_call *call, double value)
{
    sink_double(call->result, call->row, value);
    return true;
}

bool give_truth(struct function_call *call, bool value)
{
    return give_integer(call, value);
}

void give_list(struct function_call *call)
{
    sink_begin_list(call->result, call->row);
}

void give_element(struct function_call *call, const char *bytes, size_t size)
{
    uint64_t element = sink_next_element(call->result, call->row);
    sink_text(&call->result->children[0], element, bytes, size);
}

void give_null_element(struct function_call *call)
{
    uint64_t element = sink_next_element(call->result, call->row);
    sink_null(&call->result->children[0], element);
}

bool call_fail(struct function_call *call, const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *text = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    g_free(call->error);
    call->error = g_strdup_printf("%s:%s", name, text);
    return false;
}

/* ---- what DuckDB calls ---- */

/* A registered function, with its types. */
struct registered {
    const struct function *function;
    struct arena arena;
    const struct sql_type *result;
};

static void free_registered(void *data)
{
    struct registered *registered = data;
    arena_free(&registered->arena);
    g_free(registered);
}

static bool has_null(const struct function_call *call)
{
    for (size_t i = 0; i < call->count; i++)
        if (call_is_null(call, i))
            return true;
    return false;
}

static bool answer_row(const struct function *function, struct function_call *call)
{
    if (!(function->flags & FUNCTION_TAKES_NULL) && has_null(call))
        return give_null(call);
    g_string_truncate(call->text, 0);
    g_string_truncate(call->other, 0);
    return function->answer(call);
}

static void answer_rows(const struct registered *registered, struct function_call *call,
                        uint64_t rows)
{
    call->text = g_string_new(NULL);
    call->other = g_string_new(NULL);
    for (call->row = 0; call->row < rows; call->row++)
        if (!answer_row(registered->function, call))
            break;
    if (call->kept && registered->function->forget)
        registered->function->forget(call->kept);
    g_string_free(call->text, TRUE);
    g_string_free(call->other, TRUE);
}

static void answer_chunk(void *info, void *chunk, void *output)
{
    const struct duckdb_library *library = duckdb_library_of_engine();
    const struct registered *registered = library->scalar_function_get_extra_info(info);
    struct sink result;
    size_t count = library->data_chunk_get_column_count(chunk);
    struct value_view *views = g_new0(struct value_view, count + 1);
    for (size_t i = 0; i < count; i++)
        value_view_open(&views[i], library, library->data_chunk_get_vector(chunk, i));
    sink_open(&result, library, registered->result, output);
    struct function_call call = {.arguments = views, .count = count, .result = &result};
    answer_rows(registered, &call, library->data_chunk_get_size(chunk));
    if (call.error) {
        g_autofree char *text = g_utf8_make_valid(call.error, -1);
        g_autofree char *marked = g_strconcat("TRINO:", text, NULL);
        library->scalar_function_set_error(info, marked);
    }
    g_free(call.error);
    sink_close(&result);
    for (size_t i = 0; i < count; i++)
        value_view_close(&views[i]);
    g_free(views);
}

/* ---- registering ---- */

/* The next of types between commas; moves on behind it. g_free. */
static char *next_type(const char **at)
{
    const char *start = *at + strspn(*at, " ,");
    int depth = 0;
    for (*at = start; **at && (depth || **at != ','); ++*at)
        depth += (**at == '(') - (**at == ')');
    return g_strchomp(g_strndup(start, (gsize)(*at - start)));
}

static void *logical_named(const struct duckdb_library *library, struct arena *arena,
                           const char *name)
{
    if (g_str_has_prefix(name, "any"))
        return library->create_logical_type(DUCKDB_ANY);
    const struct sql_type *type = sql_type_read(arena, name);
    return type ? logical_of(library, type) : NULL;
}

static bool add_arguments(const struct duckdb_library *library, struct registered *registered,
                          void *function, const char *arguments)
{
    for (const char *at = arguments; *at;) {
        g_autofree char *name = next_type(&at);
        void *logical = *name ? logical_named(library, &registered->arena, name) : NULL;
        if (*name && !logical)
            return false;
        if (logical && g_str_has_suffix(name, "..."))
            library->scalar_function_set_varargs(function, logical);
        else if (logical)
            library->scalar_function_add_parameter(function, logical);
        if (logical)
            library->destroy_logical_type(&logical);
    }
    return true;
}

static void add_answer(const struct duckdb_library *library, struct registered *registered,
                       void *function)
{
    const struct function *row = registered->function;
    g_autofree char *name = g_strconcat("trino_", row->name, NULL);
    void *result = logical_of(library, registered->result);
    library->scalar_function_set_name(function, name);
    library->scalar_function_set_return_type(function, result);
    library->scalar_function_set_function(function, answer_chunk);
    if (row->flags & FUNCTION_TAKES_NULL)
        library->scalar_function_set_special_handling(function);
    if (row->flags & FUNCTION_RANDOM)
        library->scalar_function_set_volatile(function);
    library->scalar_function_set_extra_info(function, registered, free_registered);
    library->destroy_logical_type(&result);
}

/* Overloads are sets: a name is registered once. */
static bool add_function(const struct duckdb_library *library, void *set,
                         const struct function *row)
{
    g_auto(GStrv) sides = g_strsplit(row->signature, "->", 2);
    struct registered *registered = g_new0(struct registered, 1);
    registered->function = row;
    registered->result = sql_type_read(&registered->arena, g_strstrip(sides[1]));
    void *function = library->create_scalar_function();
    bool good = registered->result && add_arguments(library, registered, function, sides[0]);
    if (good) {
        add_answer(library, registered, function);
        good = library->add_scalar_function_to_set(set, function) == 0;
    } else {
        free_registered(registered);
    }
    library->destroy_scalar_function(&function);
    return good;
}

/* The rows of a name stand together. */
static bool register_name(const struct duckdb_library *library, void *connection,
                          const struct function **row, GError **error)
{
    const char *name = (*row)->name;
    g_autofree char *whole = g_strconcat("trino_", name, NULL);
    void *set = library->create_scalar_function_set(whole);
    bool good = true;
    for (; good && (*row)->name && strcmp((*row)->name, name) == 0; ++*row)
        good = add_function(library, set, *row);
    good = good && library->register_scalar_function_set(connection, set) == 0;
    library->destroy_scalar_function_set(&set);
    return good || error_set(error, ERROR_INTERNAL, "DuckDB took no function %s", whole);
}

bool functions_register(const struct duckdb_library *library, void *connection, GError **error)
{
    for (size_t i = 0; i < G_N_ELEMENTS(families); i++)
        for (const struct function *row = families[i]; row->name;)
            if (!register_name(library, connection, &row, error))
                return false;
    return true;
}
