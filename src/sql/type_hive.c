/* The catalog's spelling of types: array<struct<a:int,b:decimal(10,2)>>. */
#include "sql/text.h"
#include "sql/type_kinds.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEEPEST = 100, MOST_FIELDS = 2000 };

struct reader {
    struct arena *arena;
    const char *at;
    int depth;
};

static const struct sql_type *read_type(struct reader *reader);

static void skip_blanks(struct reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

static bool take(struct reader *reader, char symbol)
{
    skip_blanks(reader);
    bool found = *reader->at == symbol;
    reader->at += found;
    return found;
}

static const char *take_word(struct reader *reader, const char *ends)
{
    skip_blanks(reader);
    size_t size = strcspn(reader->at, ends);
    char *word = arena_copy(reader->arena, reader->at, size);
    reader->at += size;
    while (word && size && isspace((unsigned char)word[size - 1]))
        word[--size] = 0;
    return word && size ? sql_lower(reader->arena, word) : NULL;
}

/* (10,2), (10) or nothing. Returns how many, or -1. */
static int take_numbers(struct reader *reader, int *numbers)
{
    int count = 0;
    if (!take(reader, '('))
        return 0;
    do {
        char *end;
        skip_blanks(reader);
        long number = strtol(reader->at, &end, 10);
        if (end == reader->at || count == 2 || number < 0 || number > 100000)
            return -1;
        numbers[count++] = (int)number;
        reader->at = end;
    } while (take(reader, ','));
    return take(reader, ')') ? count : -1;
}

static const struct sql_type *read_list(struct reader *reader, enum sql_type_kind kind)
{
    const struct sql_type *types[2] = {NULL, NULL};
    size_t count = kind == SQL_MAP ? 2 : 1;
    for (size_t i = 0; i < count; i++)
        if (!take(reader, i ? ',' : '<') || !(types[i] = read_type(reader)))
            return NULL;
    return take(reader, '>') ? sql_type_of_parts(reader->arena, kind, count, types, NULL) : NULL;
}

static const struct sql_type *read_struct(struct reader *reader)
{
    const struct sql_type **types = arena_take(reader->arena, MOST_FIELDS, sizeof *types);
    const char **names = arena_take(reader->arena, MOST_FIELDS, sizeof *names);
    size_t count = 0;
    if (!types || !names || !take(reader, '<'))
        return NULL;
    do {
        if (count == MOST_FIELDS || !(names[count] = take_word(reader, ":<>,")) ||
            !take(reader, ':') || !(types[count++] = read_type(reader)))
            return NULL;
    } while (take(reader, ','));
    return take(reader, '>') ? sql_type_of_parts(reader->arena, SQL_ROW, count, types, names)
                             : NULL;
}

static const struct sql_type *read_sized(struct reader *reader, enum sql_type_kind kind)
{
    int numbers[2] = {kind == SQL_DECIMAL ? 10 : 0, 0};
    int count = take_numbers(reader, numbers);
    if (count < 0 || (kind == SQL_DECIMAL && (numbers[0] < 1 || numbers[0] > SQL_PRECISION_MOST ||
                                              numbers[1] > numbers[0])))
        return NULL;
    if (kind != SQL_DECIMAL && !count)
        return sql_type_plain(kind);
    return sql_type_sized(reader->arena, kind, numbers[0], numbers[1]);
}

static const struct sql_type *read_named(struct reader *reader, const char *word)
{
    static const struct {
        const char *word;
        enum sql_type_kind kind;
    } OTHERS[] = {
        {"string", SQL_VARCHAR}, {"integer", SQL_INTEGER},     {"real", SQL_REAL},
        {"long", SQL_BIGINT},    {"short", SQL_SMALLINT},      {"byte", SQL_TINYINT},
        {"bool", SQL_BOOLEAN},   {"varbinary", SQL_VARBINARY},
    };
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++)
        if (strcmp(OTHERS[i].word, word) == 0)
            return sql_type_plain(OTHERS[i].kind);
    for (int kind = SQL_BOOLEAN; kind <= SQL_ROW; kind++) {
        if (!sql_type_kinds[kind].hive || strcmp(sql_type_kinds[kind].hive, word) != 0)
            continue;
        if (kind == SQL_ROW)
            return read_struct(reader);
        if (kind == SQL_ARRAY || kind == SQL_MAP)
            return read_list(reader, kind);
        bool sized = kind == SQL_DECIMAL || kind == SQL_VARCHAR || kind == SQL_CHAR;
        return sized ? read_sized(reader, kind) : sql_type_plain(kind);
    }
    return NULL;
}

static const struct sql_type *read_type(struct reader *reader)
{
    if (++reader->depth > DEEPEST)
        return NULL;
    const char *word = take_word(reader, "<>(),:");
    const struct sql_type *type = word ? read_named(reader, word) : NULL;
    reader->depth--;
    return type;
}

const struct sql_type *sql_type_of_hive(struct arena *arena, const char *text)
{
    struct reader reader = {arena, text, 0};
    const struct sql_type *type = read_type(&reader);
    skip_blanks(&reader);
    return *reader.at ? NULL : type;
}
