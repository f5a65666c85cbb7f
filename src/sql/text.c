#include "sql/text.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool make_room(struct sql_text *text, size_t more)
{
    if (text->bytes && text->size + more < text->room)
        return true;
    size_t room = 2 * (text->size + more) + 64;
    char *bytes = arena_take(text->arena, room, 1);
    if (!bytes)
        return false;
    if (text->bytes)
        memcpy(bytes, text->bytes, text->size);
    text->bytes = bytes;
    text->room = room;
    return true;
}

void sql_text_add(struct sql_text *text, const char *bytes, size_t size)
{
    if (!make_room(text, size + 1))
        return;
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

void sql_text_put(struct sql_text *text, const char *string)
{
    sql_text_add(text, string, strlen(string));
}

void sql_text_vprintf(struct sql_text *text, const char *format, va_list list)
{
    va_list again;
    va_copy(again, list);
    int size = vsnprintf(NULL, 0, format, list);
    if (size >= 0 && make_room(text, (size_t)size + 1)) {
        vsnprintf(text->bytes + text->size, (size_t)size + 1, format, again);
        text->size += (size_t)size;
    }
    va_end(again);
}

void sql_text_printf(struct sql_text *text, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    sql_text_vprintf(text, format, list);
    va_end(list);
}

void sql_text_quote(struct sql_text *text, const char *string, char quote)
{
    sql_text_add(text, &quote, 1);
    for (; *string; string++) {
        if (*string == quote)
            sql_text_add(text, &quote, 1);
        sql_text_add(text, string, 1);
    }
    sql_text_add(text, &quote, 1);
}

const char *sql_text_end(struct sql_text *text)
{
    return text->bytes ? text->bytes : "";
}

const char *sql_printf(struct arena *arena, const char *format, ...)
{
    struct sql_text text = {.arena = arena};
    va_list list;
    va_start(list, format);
    sql_text_vprintf(&text, format, list);
    va_end(list);
    return sql_text_end(&text);
}

const char *sql_quoted(struct arena *arena, const char *string, char quote)
{
    struct sql_text text = {.arena = arena};
    sql_text_quote(&text, string, quote);
    return sql_text_end(&text);
}

const char *sql_lower(struct arena *arena, const char *string)
{
    char *copy = arena_copy(arena, string, strlen(string));
    for (char *c = copy; c && *c; c++)
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    return copy ? copy : "";
}

bool sql_same_word(const char *a, const char *b)
{
    while (*a && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return *a == *b || tolower((unsigned char)*a) == tolower((unsigned char)*b);
}

size_t sql_characters(const char *text)
{
    size_t count = 0;
    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

enum { MOST_NAMES = 64 };

/* Names that stand for each other, in the order in which they were met. */
struct pairs {
    long a[MOST_NAMES], b[MOST_NAMES];
    size_t count;
};

static bool pair(struct pairs *pairs, long a, long b)
{
    for (size_t i = 0; i < pairs->count; i++)
        if (pairs->a[i] == a || pairs->b[i] == b)
            return pairs->a[i] == a && pairs->b[i] == b;
    if (pairs->count == MOST_NAMES)
        return false;
    pairs->a[pairs->count] = a;
    pairs->b[pairs->count++] = b;
    return true;
}

static bool is_name_of_lambda(const char *text, const char *at)
{
    bool begins = at == text || !(isalnum((unsigned char)at[-1]) || at[-1] == '_' ||
                                  at[-1] == '"' || at[-1] == '\'' || at[-1] == '.');
    return begins && *at == 'l' && isdigit((unsigned char)at[1]);
}

bool sql_same_text(const char *a, const char *b)
{
    const char *start_a = a, *start_b = b;
    struct pairs pairs = {.count = 0};
    bool quoted = false;
    while (*a && *b) {
        bool names = !quoted && is_name_of_lambda(start_a, a) && is_name_of_lambda(start_b, b);
        if (names && !pair(&pairs, strtol(a + 1, (char **)&a, 10), strtol(b + 1, (char **)&b, 10)))
            return false;
        if (names)
            continue;
        if (*a != *b)
            return false;
        quoted ^= *a == '\'';
        a++;
        b++;
    }
    return *a == *b;
}
