/* signature.h: a row's signature, read, and bound to the types of a call's arguments. */
#ifndef LATHE_SQL_SIGNATURE_H
#define LATHE_SQL_SIGNATURE_H

#include "sql/compiler.h"
#include "sql/function.h"

enum { SQL_MOST_VARIABLES = 12, SQL_MOST_ARGUMENTS = 127, SQL_MOST_LAMBDA = 8 };

/* A type of a signature: a variable, or a kind with parts and numbers that may be variables. */
struct sql_pattern {
    const char *name; /* in lower case for kinds; variables as written */
    const char *text; /* as written */
    bool any, zoned, variable, sized;
    enum sql_type_kind kind;
    size_t count; /* parts, or numbers where kind has some */
    struct sql_pattern *parts[8];
    const char *numbers[2]; /* a variable or digits */
};

struct sql_variable {
    const char *name;
    bool type_variable, orderable, comparable;
    const struct sql_type *type; /* NULL: not bound */
    long number;
    bool bound;
};

struct sql_signature {
    const struct sql_function *function;
    struct sql_variable variables[SQL_MOST_VARIABLES];
    size_t variable_count;
    struct sql_pattern *parameters[16];
    size_t count;
    bool variadic; /* the last one any number of times */
    struct sql_pattern *result;
    const char *where;
    bool generic; /* has type variables */
};

/* A call bound to a row. */
struct sql_binding {
    struct sql_signature *signature;
    const struct sql_type **types; /* what each argument is coerced to */
    size_t count;
    const struct sql_type *result;
};

struct sql_signature *sql_signature_read(struct sql_compiler *compiler,
                                         const struct sql_function *function);
/* The pattern of an argument. */
const struct sql_pattern *sql_signature_parameter(const struct sql_signature *signature,
                                                  size_t index);
/* Binds what is no lambda (its type is NULL). coerce: types that may be taken for others are. */
bool sql_signature_bind(struct sql_compiler *compiler, struct sql_signature *signature,
                        const struct sql_type *const *types, size_t count, bool coerce);
/* The type of a pattern; NULL where a variable is not bound. */
const struct sql_type *sql_signature_type(struct sql_compiler *compiler,
                                          const struct sql_signature *signature,
                                          const struct sql_pattern *pattern);
/* Binds a type to a pattern, or widens what it is bound to. */
bool sql_signature_unify(struct sql_compiler *compiler, struct sql_signature *signature,
                         const struct sql_pattern *pattern, const struct sql_type *type,
                         bool coerce);
/* Computes what stands behind "where". */
void sql_signature_compute(struct sql_compiler *compiler, struct sql_signature *signature);
const struct sql_variable *sql_signature_variable(const struct sql_signature *signature,
                                                  const char *name, size_t size);
/* As Trino's errors say it: substr(varchar(x), bigint), max(T) T:orderable */
const char *sql_signature_text(struct sql_compiler *compiler,
                               const struct sql_signature *signature);

#endif
