/* type.h: Hive's types, as columns of the catalog have them: "array<struct<a:int,b:string>>". What
 * a value is, what two types have in common, and how they are written. */
#ifndef LATHE_CRAWL_TYPE_H
#define LATHE_CRAWL_TYPE_H

#include <glib.h>
#include <stdbool.h>

enum type_kind {
    TYPE_NONE, /* only nulls were seen */
    TYPE_BOOLEAN,
    TYPE_INT,
    TYPE_BIGINT,
    TYPE_DECIMAL,
    TYPE_FLOAT,
    TYPE_DOUBLE,
    TYPE_DATE,
    TYPE_TIMESTAMP,
    TYPE_BINARY,
    TYPE_STRING,
    TYPE_ARRAY,
    TYPE_STRUCT,
    TYPE_MAP,
    TYPE_OTHER, /* as it is written: "char(3)" */
};

struct type {
    enum type_kind kind;
    int precision, scale; /* of a decimal */
    GPtrArray *names;     /* of a struct's fields: char * */
    GPtrArray *parts; /* struct type: of fields, of an array's element, of a map's key and value */
    char *word;       /* of TYPE_OTHER */
};

struct type *type_new(enum type_kind kind);
void type_free(struct type *type);
typedef struct type type_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(type_auto, type_free)

/* The field of a struct of that name (in any case), or NULL. */
struct type *type_field(const struct type *type, const char *name);
/* Takes the part. name: of a struct's field; else NULL. */
void type_add(struct type *type, const char *name, struct type *part);

/* What both fit: takes both. Numbers become the wider one; what has nothing in common, a string. */
struct type *type_merge(struct type *a, struct type *b);
/* Whether they are the same or differ in width alone. */
bool type_is_like(const struct type *a, const struct type *b);

struct type *type_parse(const char *text);
/* g_free. TYPE_NONE is a string. */
char *type_text(const struct type *type);

#endif
