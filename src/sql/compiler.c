#include "sql/compiler.h"

#include <stdio.h>
#include <string.h>

void sql_fail(struct sql_compiler *compiler, int line, int column, const char *name,
              const char *format, ...)
{
    struct sql_error *error = compiler->error;
    va_list list;
    va_start(list, format);
    vsnprintf(error->message, sizeof error->message, format, list);
    va_end(list);
    snprintf(error->name, sizeof error->name, "%s", name);
    error->line = line;
    error->column = column;
    longjmp(compiler->out, 1);
}

void *sql_take(struct sql_compiler *compiler, size_t count, size_t element)
{
    void *taken = arena_take(&compiler->arena, count ? count : 1, element);
    if (!taken)
        sql_fail(compiler, 0, 0, "GENERIC_INSUFFICIENT_RESOURCES", "no memory for the statement");
    return taken;
}

/* Rooms are powers of two: a list is copied when its count is one. */
void *sql_push(struct sql_compiler *compiler, void *list, size_t *count, size_t element)
{
    size_t have = *count;
    *count += 1;
    if (have && (have & (have - 1)) != 0)
        return list;
    char *larger = sql_take(compiler, have ? 2 * have : 1, element);
    if (have)
        memcpy(larger, list, have * element);
    return larger;
}
