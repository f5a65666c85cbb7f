/* Signatures read from their text. */
#include "sql/signature.h"

#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    struct sql_compiler *c;
    struct sql_signature *signature;
    const char *at;
};

static void blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " ");
}

static bool take(struct reader *reader, const char *symbol)
{
    blanks(reader);
    size_t size = strlen(symbol);
    bool found = strncmp(reader->at, symbol, size) == 0;
    reader->at += found ? size : 0;
    return found;
}

static const char *word(struct reader *reader)
{
    blanks(reader);
    size_t size = 0;
    while (isalnum((unsigned char)reader->at[size]) || reader->at[size] == '_')
        size++;
    reader->at += size;
    return arena_copy(&reader->c->arena, reader->at - size, size);
}

const struct sql_variable *sql_signature_variable(const struct sql_signature *signature,
                                                  const char *name, size_t size)
{
    for (size_t i = 0; i < signature->variable_count; i++) {
        const struct sql_variable *variable = &signature->variables[i];
        if (strlen(variable->name) == size && strncmp(variable->name, name, size) == 0)
            return variable;
    }
    return NULL;
}

static struct sql_variable *add_variable(struct sql_signature *signature, const char *name)
{
    const struct sql_variable *known = sql_signature_variable(signature, name, strlen(name));
    if (known)
        return &signature->variables[known - signature->variables];
    struct sql_variable *variable = &signature->variables[signature->variable_count++];
    variable->name = name;
    return variable;
}

/* <T:orderable,U> */
static void read_variables(struct reader *reader)
{
    if (!take(reader, "<"))
        return;
    do {
        struct sql_variable *variable = add_variable(reader->signature, word(reader));
        variable->type_variable = true;
        variable->orderable = take(reader, ":orderable");
        variable->comparable = !variable->orderable && take(reader, ":comparable");
    } while (take(reader, ","));
    take(reader, ">");
    reader->signature->generic = true;
}

static struct sql_pattern *read_pattern(struct reader *reader);

static void read_number(struct reader *reader, struct sql_pattern *pattern)
{
    const char *name = word(reader);
    if (!isdigit((unsigned char)*name))
        add_variable(reader->signature, name);
    pattern->numbers[pattern->count++] = name;
}

static void read_brackets(struct reader *reader, struct sql_pattern *pattern)
{
    bool parts = pattern->kind >= SQL_ARRAY;
    pattern->sized = !parts;
    while (!take(reader, ")")) {
        if (parts)
            pattern->parts[pattern->count++] = read_pattern(reader);
        else
            read_number(reader, pattern);
        take(reader, ",");
    }
}

static enum sql_type_kind kind_of(const char *name)
{
    int kind = SQL_UNKNOWN;
    while (kind < SQL_FUNCTION && strcmp(sql_type_kinds[kind].name, name) != 0)
        kind++;
    return kind;
}

static void read_interval(struct reader *reader, struct sql_pattern *pattern)
{
    bool months = take(reader, "year to month");
    if (!months)
        take(reader, "day to second");
    pattern->kind = months ? SQL_INTERVAL_MONTHS : SQL_INTERVAL_DAYS;
    pattern->name = sql_type_kinds[pattern->kind].name;
}

static struct sql_pattern *read_pattern(struct reader *reader)
{
    struct sql_pattern *pattern = sql_take(reader->c, 1, sizeof *pattern);
    blanks(reader);
    const char *start = reader->at;
    pattern->name = word(reader);
    const struct sql_variable *variable =
        sql_signature_variable(reader->signature, pattern->name, strlen(pattern->name));
    pattern->any = strcmp(pattern->name, "any") == 0;
    pattern->variable = variable && variable->type_variable;
    if (!pattern->any && !pattern->variable)
        pattern->kind = kind_of(pattern->name);
    if (strcmp(pattern->name, "interval") == 0)
        read_interval(reader, pattern);
    if (take(reader, "("))
        read_brackets(reader, pattern);
    if (take(reader, "with time zone"))
        pattern->kind = strcmp(pattern->name, "time") == 0 ? SQL_TIME_ZONED : SQL_TIMESTAMP_ZONED;
    pattern->text = arena_copy(&reader->c->arena, start, (size_t)(reader->at - start));
    return pattern;
}

struct sql_signature *sql_signature_read(struct sql_compiler *compiler,
                                         const struct sql_function *function)
{
    struct sql_signature *signature = sql_take(compiler, 1, sizeof *signature);
    struct reader reader = {compiler, signature, function->signature};
    signature->function = function;
    read_variables(&reader);
    take(&reader, "(");
    while (!take(&reader, ")")) {
        signature->parameters[signature->count++] = read_pattern(&reader);
        signature->variadic = take(&reader, "...");
        take(&reader, ",");
    }
    take(&reader, "->");
    signature->result = read_pattern(&reader);
    if (take(&reader, "where"))
        signature->where = reader.at;
    return signature;
}

const struct sql_pattern *sql_signature_parameter(const struct sql_signature *signature,
                                                  size_t index)
{
    return signature->parameters[index < signature->count ? index : signature->count - 1];
}

/* --- computed numbers: q = min(38, p - s + 1) --- */

struct sum {
    const struct sql_signature *signature;
    const char *at;
    int depth;
};

static long read_sum(struct sum *sum);

static bool next(struct sum *sum, char symbol)
{
    sum->at += strspn(sum->at, " ");
    bool found = *sum->at == symbol;
    sum->at += found;
    return found;
}

static long read_call(struct sum *sum, bool least)
{
    next(sum, '(');
    long value = read_sum(sum);
    while (next(sum, ',')) {
        long other = read_sum(sum);
        value = (other < value) == least ? other : value;
    }
    next(sum, ')');
    return value;
}

static long read_factor(struct sum *sum)
{
    if (next(sum, '(')) {
        long value = read_sum(sum);
        next(sum, ')');
        return value;
    }
    if (next(sum, '-'))
        return -read_factor(sum);
    if (isdigit((unsigned char)*sum->at))
        return strtol(sum->at, (char **)&sum->at, 10);
    size_t size = 0;
    while (isalnum((unsigned char)sum->at[size]) || sum->at[size] == '_')
        size++;
    const char *name = sum->at;
    sum->at += size ? size : (*sum->at ? 1 : 0);
    if (size == 3 && (strncmp(name, "min", 3) == 0 || strncmp(name, "max", 3) == 0))
        return read_call(sum, name[1] == 'i');
    const struct sql_variable *variable = sql_signature_variable(sum->signature, name, size);
    return variable ? variable->number : 0;
}

static long read_product(struct sum *sum)
{
    long value = read_factor(sum);
    for (;;) {
        if (next(sum, '*')) {
            value *= read_factor(sum);
        } else if (next(sum, '/')) {
            long by = read_factor(sum);
            value = by ? value / by : 0;
        } else {
            return value;
        }
    }
}

static long read_sum(struct sum *sum)
{
    long value = read_product(sum);
    for (;;) {
        if (next(sum, '+'))
            value += read_product(sum);
        else if (next(sum, '-'))
            value -= read_product(sum);
        else
            return value;
    }
}

void sql_signature_compute(struct sql_compiler *compiler, struct sql_signature *signature)
{
    if (!signature->where)
        return;
    struct reader reader = {compiler, signature, signature->where};
    do {
        struct sql_variable *variable = add_variable(signature, word(&reader));
        take(&reader, "=");
        struct sum sum = {signature, reader.at, 0};
        variable->number = read_sum(&sum);
        variable->bound = true;
        reader.at = sum.at;
    } while (take(&reader, ";"));
}

static void put_constraints(struct sql_text *text, const struct sql_signature *signature)
{
    const char *between = " ";
    for (size_t i = 0; i < signature->variable_count; i++) {
        const struct sql_variable *variable = &signature->variables[i];
        if (!variable->type_variable)
            continue;
        sql_text_printf(text, "%s%c%s%s", between, toupper((unsigned char)*variable->name),
                        variable->name + 1,
                        variable->orderable    ? ":orderable"
                        : variable->comparable ? ":comparable"
                                               : "");
        between = ", ";
    }
}

const char *sql_signature_text(struct sql_compiler *compiler, const struct sql_signature *signature)
{
    struct sql_text text = {.arena = &compiler->arena};
    sql_text_printf(&text, "%s(", signature->function->name);
    for (size_t i = 0; i < signature->count; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "", signature->parameters[i]->text);
    sql_text_put(&text, ")");
    put_constraints(&text, signature);
    return sql_text_end(&text);
}
