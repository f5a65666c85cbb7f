/* node.h: a statement as a tree. Expressions are nodes of one shape; queries and relations have
 * structs of their own. Everything lives in the compilation's arena. */
#ifndef LATHE_SQL_NODE_H
#define LATHE_SQL_NODE_H

#include "sql/sql.h"
#include "sql/type.h"

enum node_kind {
    NODE_NULL,
    NODE_BOOLEAN,   /* text: true, false */
    NODE_INTEGER,   /* text: the digits */
    NODE_DECIMAL,   /* text */
    NODE_DOUBLE,    /* text */
    NODE_STRING,    /* text: the value */
    NODE_BYTES,     /* text: hexadecimal digits in capitals */
    NODE_TYPED,     /* DATE '...': text is the value, more the type's name */
    NODE_INTERVAL,  /* text the value, more the first field, last the second or NULL; NEGATIVE */
    NODE_PARAMETER, /* number */
    NODE_NAME,      /* an identifier: text; QUOTED */
    NODE_FIELD,     /* part 0 . text */
    NODE_SUBSCRIPT, /* part 0 [ part 1 ] */
    NODE_ARRAY,
    NODE_ROW,
    NODE_CALL,       /* text: the name, in lower case */
    NODE_LAMBDA,     /* parts: names, then the body */
    NODE_SUBQUERY,   /* query */
    NODE_EXISTS,     /* query */
    NODE_CASE,       /* operand or NULL, then conditions and results, then else or NULL */
    NODE_CAST,       /* part 0, as_type; TRY */
    NODE_NEGATE,     /* part 0; text: "-", "+" */
    NODE_ARITHMETIC, /* text: + - * / % */
    NODE_CONCAT,
    NODE_COMPARE,    /* text: = <> < <= > >= */
    NODE_QUANTIFIED, /* part 0, text, more: ALL ANY SOME; query */
    NODE_BETWEEN,    /* value, low, high */
    NODE_IN,         /* value, then the list, or query */
    NODE_LIKE,       /* value, pattern, escape or NULL */
    NODE_IS_NULL,    /* NEGATIVE: IS NOT NULL */
    NODE_IS_DISTINCT,
    NODE_NOT,
    NODE_AND,
    NODE_OR,
    NODE_AT_ZONE, /* value, zone */
    NODE_CURRENT, /* text: CURRENT_DATE, ...; number: precision or -1 */
    NODE_EXTRACT, /* part 0; text: the field in capitals */
    NODE_TRIM,    /* source, characters or NULL; more: BOTH LEADING TRAILING */
    NODE_GROUPING,
    NODE_NORMALIZE, /* part 0; text: the form */
    NODE_LISTAGG,   /* value, separator or NULL */
    NODE_JSON,      /* json_exists, json_value, json_query, json_object, json_array: text; json */
    NODE_STAR,      /* in a select list: part 0 or none; names: aliases */
    NODE_TYPE,      /* text: the name in lower case; parts: parameters, types or numbers */
    NODE_SUBFIELD   /* of a row's type: text the name or NULL, part 0 the type */
};

enum node_flag {
    NODE_QUOTED = 1,
    NODE_NEGATIVE = 2, /* NOT IN, IS NOT NULL, INTERVAL - '1' DAY */
    NODE_TRY = 4,
    NODE_DISTINCT = 8,
    NODE_COUNT_STAR = 16, /* count(*) */
    NODE_IGNORE_NULLS = 32,
    NODE_RESPECT_NULLS = 64,
    NODE_PARENTHESES = 128, /* the writer of errors keeps none; ORDER BY's ordinals do */
    NODE_SUBSTRING_FORM = 256
};

struct sql_query;
struct sql_window;
struct sql_json;

struct sql_value {
    const char *text; /* DuckDB's */
    const struct sql_type *type;
    bool constant;   /* a literal that is not NULL and not NaN */
    bool aggregated; /* holds an aggregate */
    size_t unknown;  /* a question mark without a value: its number and one */
};

struct sql_sort {
    struct sql_node *key;
    bool descending, nulls_first, nulls_said;
    int line, column;
};

struct sql_node {
    enum node_kind kind;
    unsigned flags;
    int line, column;
    int height; /* of the tree below */
    int number;
    const char *text, *more, *last;
    size_t count;
    struct sql_node **parts;
    struct sql_query *query;
    struct sql_node *as_type;
    struct sql_sort *sorts; /* calls */
    size_t sort_count;
    struct sql_node *filter;
    struct sql_window *window;
    struct sql_json *json;
    const char **names;
    size_t name_count;
    const struct sql_value *value; /* in the scope of its own query, once it was looked at */
};

struct sql_bound {
    enum { BOUND_NONE, BOUND_UNBOUNDED, BOUND_CURRENT, BOUND_VALUE } kind;
    bool following;
    struct sql_node *value;
    int line, column;
};

struct sql_window {
    const char *reference; /* OVER w, or the window that this one goes on from */
    bool bare;             /* OVER w, without parentheses */
    struct sql_node **partition;
    size_t partition_count;
    struct sql_sort *sorts;
    size_t sort_count;
    const char *frame; /* RANGE ROWS GROUPS, or NULL */
    int frame_line, frame_column;
    struct sql_bound start, end;
    bool pattern; /* has a part of row pattern recognition */
    int line, column;
};

struct sql_named_window {
    const char *name;
    struct sql_window *window;
    int line, column;
};

struct sql_json_argument {
    struct sql_node *value;
    const char *name;   /* PASSING ... AS name */
    const char *format; /* FORMAT JSON: the encoding, or NULL */
};

struct sql_json {
    struct sql_json_argument input;
    struct sql_json_argument *arguments; /* PASSING, members' values, elements */
    struct sql_node **keys;              /* json_object */
    size_t count;
    const char *path;
    const char *on_empty, *on_error; /* NULL ERROR TRUE FALSE UNKNOWN DEFAULT "EMPTY ARRAY" ... */
    struct sql_node *empty_default, *error_default;
    struct sql_node *returning;
    const char *wrapper; /* WITHOUT, CONDITIONAL, UNCONDITIONAL */
    bool omit_quotes, quotes_said, absent_on_null, null_said, unique_keys;
    int path_line, path_column;
};

enum relation_kind {
    RELATION_TABLE,
    RELATION_QUERY,
    RELATION_LATERAL,
    RELATION_UNNEST,
    RELATION_JOIN,
    RELATION_ALIASED,
    RELATION_SAMPLED,
    RELATION_REFUSED /* understood, and not supported: text says what */
};

struct sql_name {
    const char *text; /* as written, without quotes */
    bool quoted;
    int line, column;
};

struct sql_relation {
    enum relation_kind kind;
    int line, column, height;
    struct sql_name *name; /* of a table: its parts */
    size_t name_count;
    struct sql_query *query;
    struct sql_node **values; /* UNNEST */
    size_t count;
    bool ordinality;
    const char *join; /* CROSS INNER LEFT RIGHT FULL IMPLICIT */
    bool natural;
    struct sql_relation *left, *right; /* right: the aliased, sampled one too */
    struct sql_node *on;
    struct sql_name *using;
    size_t using_count;
    struct sql_name *columns; /* aliases of columns */
    size_t column_count;
    const char *text; /* an alias, a method of sampling, what is refused */
    struct sql_node *percentage;
};

enum body_kind { BODY_SELECT, BODY_SET, BODY_TABLE, BODY_VALUES, BODY_QUERY };

struct sql_item { /* of a select list */
    struct sql_node *value;
    struct sql_name *alias;
};

enum grouping_kind { GROUPING_SIMPLE, GROUPING_SETS, GROUPING_CUBE, GROUPING_ROLLUP };

struct sql_grouping {
    enum grouping_kind kind;
    struct sql_node ***sets; /* lists of keys */
    size_t *sizes;
    size_t count;
    bool parentheses; /* (a, b) */
    int line, column;
};

struct sql_body {
    enum body_kind kind;
    int line, column, height;
    bool distinct; /* SELECT DISTINCT; a set operation's too */
    struct sql_item *items;
    size_t item_count;
    struct sql_relation *from;
    struct sql_node *where, *having;
    bool grouped, group_distinct;
    struct sql_grouping *groupings;
    size_t grouping_count;
    struct sql_named_window *windows;
    size_t window_count;
    const char *operation; /* UNION INTERSECT EXCEPT */
    struct sql_body *left, *right;
    struct sql_relation *table;
    struct sql_node **rows; /* VALUES */
    size_t row_count;
    struct sql_query *query;
};

struct sql_with {
    struct sql_name name;
    struct sql_name *columns;
    size_t column_count;
    struct sql_query *query;
};

struct sql_query {
    int line, column, height;
    bool recursive;
    struct sql_with *with;
    size_t with_count;
    struct sql_body *body;
    struct sql_sort *sorts;
    size_t sort_count;
    struct sql_node *offset; /* INTEGER or PARAMETER */
    struct sql_node *limit;
    bool ties, fetch; /* FETCH FIRST */
    int limit_line, limit_column;
    int ties_line, ties_column;
    const char *start, *end; /* in the statement's text */
};

struct sql_assignment {
    struct sql_name name;
    struct sql_node *value;
};

/* A whole statement, before anything is looked up. */
struct sql_tree {
    enum sql_kind kind;
    const char *what; /* SQL_OTHER: its first words */
    int line, column;
    struct sql_query *query;
    struct sql_name *target; /* its parts */
    size_t target_count;
    struct sql_name *columns;
    size_t column_count;
    bool if_not_exists, or_replace, with_no_data, if_exists, analyze;
    const char *comment, *location, *source;
    struct sql_assignment *properties;
    size_t property_count;
    const char **arguments;
    size_t argument_count;
    const char *pattern, *escape;
    const char *explain_type, *explain_format;
    size_t parameter_count;
};

#endif
