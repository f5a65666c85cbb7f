/* functions.h: Trino's functions that C computes, registered with DuckDB under names "trino_...". A
 * family a file; the rows of sql/functions*.c call them by name. */
#ifndef LATHE_TABLE_FUNCTIONS_H
#define LATHE_TABLE_FUNCTIONS_H

#include "table/sink.h"
#include "table/value.h"

/* One row's call. */
struct function_call {
    const struct value_view *arguments;
    size_t count;
    struct sink *result;
    uint64_t row;
    GString *text;  /* empty at first, for what a function makes */
    GString *other; /* likewise */
    char *error;    /* NAME:text, once it has failed */
    void *kept;     /* of the function's own, from row to row of a chunk; freed by the function's
                       `forget` */
};

typedef bool function_answer(struct function_call *call);

struct function {
    const char *name;      /* without "trino_" */
    const char *signature; /* "varchar, bigint -> array(varchar)"; "any" is any type, "any..." any
                              number of any */
    function_answer *answer;
    unsigned flags;
    void (*forget)(void *kept);
};

enum {
    FUNCTION_TAKES_NULL = 1, /* else a null among the arguments makes the result null */
    FUNCTION_RANDOM = 2,
};

/* Arguments. */
bool call_is_null(const struct function_call *call, size_t i);
const char *call_text(const struct function_call *call, size_t i, size_t *size);
int64_t call_integer(const struct function_call *call, size_t i);
double call_double(const struct function_call *call, size_t i);
/* Of an array: how many elements, and the first one's row in its view. */
const struct value_view *call_list(const struct function_call *call, size_t i, uint64_t *first,
                                   uint64_t *count);

/* Results. All return true, so that a function can end with them. */
bool give_null(struct function_call *call);
bool give_text(struct function_call *call, const char *bytes, size_t size);
bool give_bytes(struct function_call *call, const void *bytes, size_t size);
bool give_made(struct function_call *call); /* what is in call->text */
bool give_integer(struct function_call *call, int64_t value);
bool give_double(struct function_call *call, double value);
bool give_truth(struct function_call *call, bool value);
void give_list(struct function_call *call); /* begins one; elements follow */
void give_element(struct function_call *call, const char *bytes, size_t size);
void give_null_element(struct function_call *call);

/* Fails with Trino's name and text; returns false. */
bool call_fail(struct function_call *call, const char *name, const char *format, ...)
    G_GNUC_PRINTF(3, 4);
#define INVALID_ARGUMENT "INVALID_FUNCTION_ARGUMENT"

/* The families; each list ends with a name that is NULL. */
extern const struct function functions_text[], functions_regexp[], functions_moment[],
    functions_json[], functions_binary[], functions_number[], functions_cast[], functions_format[],
    functions_java[], functions_jsonpath[];

bool functions_register(const struct duckdb_library *library, void *connection, GError **error);

#endif
