/* ColumnInfo: a result's columns as Athena tells them. */
#include <string.h>

#include "query/query_inside.h"

/* What Athena says of types that have no digits of their own. */
static const struct {
    enum sql_type_kind kind;
    const char *name; /* NULL: as Trino writes it */
    int precision;
} told[] = {
    {SQL_TINYINT, NULL, 3},
    {SQL_SMALLINT, NULL, 5},
    {SQL_INTEGER, NULL, 10},
    {SQL_BIGINT, NULL, 19},
    {SQL_REAL, "float", 17},
    {SQL_DOUBLE, NULL, 17},
    {SQL_VARBINARY, NULL, 1073741824},
    {SQL_TIME, "time", 3},
    {SQL_TIME_ZONED, "time with time zone", 3},
    {SQL_TIMESTAMP, "timestamp", 3},
    {SQL_TIMESTAMP_ZONED, "timestamp with time zone", 3},
    {SQL_VARCHAR, "varchar", 0},
    {SQL_CHAR, "char", 0},
    {SQL_DECIMAL, "decimal", 0},
    {SQL_ARRAY, "array", 0},
    {SQL_MAP, "map", 0},
    {SQL_ROW, "row", 0},
};

json_t *column_info(const char *name, const char *type)
{
    return json_pack("{sssssssssssssisisssb}", "CatalogName", "hive", "SchemaName", "", "TableName",
                     "", "Name", name, "Label", name, "Type", type, "Precision", 0, "Scale", 0,
                     "Nullable", "UNKNOWN", "CaseSensitive", 0);
}

json_t *text_columns(const char *const *names)
{
    json_t *columns = json_array();
    for (; *names; names++)
        json_array_append_new(columns, column_info(*names, "string"));
    return columns;
}

static json_t *info_of(struct arena *arena, const struct sql_column *column)
{
    const struct sql_type *type = column->type;
    const char *name = NULL;
    int precision = 0;
    for (size_t i = 0; i < G_N_ELEMENTS(told); i++)
        if (told[i].kind == type->kind) {
            name = told[i].name;
            precision = told[i].precision;
        }
    bool sized = type->kind == SQL_VARCHAR || type->kind == SQL_CHAR;
    bool digits = type->kind == SQL_DECIMAL;
    json_t *info = column_info(column->name, name ? name : sql_type_write(arena, type));
    json_object_set_new(info, "Precision",
                        json_integer(sized || digits ? type->precision : precision));
    json_object_set_new(info, "Scale", json_integer(digits ? type->scale : 0));
    json_object_set_new(info, "CaseSensitive", json_boolean(sized));
    return info;
}

json_t *result_columns(const struct sql_column *columns, size_t count)
{
    struct arena arena = {0};
    json_t *infos = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(infos, info_of(&arena, &columns[i]));
    arena_free(&arena);
    return infos;
}

json_t *engine_columns(const struct sql_column *columns, size_t count)
{
    struct arena arena = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_pack("{ssss}", "Name", columns[i].name, "Type",
                                              sql_type_write(&arena, columns[i].type)));
    arena_free(&arena);
    return list;
}
