#include "feature/json.h"

#include "feature/text.h"
#include "parse/reader.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The text just read, terminated; NULL: no memory. */
static char *take_text(struct arena *arena, const struct reader *reader, size_t *size)
{
    char *text = arena_take(arena, reader->size + 1, 1);
    if (text)
        *size = reader_copy(reader, text);
    return text;
}

static bool key_is_taken(const struct json *object, const char *key)
{
    /* Objects are small, except a StringMap's labels: those are checked by their table. */
    size_t looked_at = 0;
    for (const struct json *member = object->first; member && looked_at < 100;
         member = member->next, looked_at++)
        if (member->key && strcmp(member->key, key) == 0)
            return true;
    return false;
}

/* The value whose first event was just read, without what is inside a container. */
static bool take_value(struct arena *arena, const struct reader *reader, struct json *json)
{
    switch (reader->event) {
    case READER_OBJECT:
        json->kind = JSON_OBJECT;
        return true;
    case READER_ARRAY:
        json->kind = JSON_ARRAY;
        return true;
    case READER_STRING:
        json->kind = JSON_STRING;
        json->string = take_text(arena, reader, &json->size);
        return json->string != NULL;
    case READER_NUMBER:
        json->kind = JSON_NUMBER;
        json->number = reader->number;
        json->whole = reader->is_integer;
        return true;
    case READER_BOOL:
        json->kind = JSON_BOOL;
        json->truth = reader->truth;
        return true;
    default:
        return true;
    }
}

/* Reads on after the event that began `json`, which is a container. */
static bool read_container(struct arena *arena, struct reader *reader, struct json *json)
{
    struct json *last = NULL;
    bool object = json->kind == JSON_OBJECT;
    for (;;) {
        enum reader_event event = reader_next(reader);
        if (event == READER_FAILED)
            return false;
        if (event == READER_OBJECT_END || event == READER_ARRAY_END)
            return true;
        struct json *element = arena_take(arena, 1, sizeof *element);
        if (!element)
            return fail_memory(reader->error, "a JSON document");
        if (object) {
            size_t size = 0;
            char *key = take_text(arena, reader, &size);
            if (!key)
                return fail_memory(reader->error, "a JSON document");
            if (strlen(key) != size)
                return reader_fail(reader, "a key has a NUL character");
            if (key_is_taken(json, key))
                return reader_fail(reader, "the key '%.80s' stands twice", key);
            element->key = key;
            if (reader_next(reader) == READER_FAILED)
                return false;
        }
        if (!take_value(arena, reader, element))
            return fail_memory(reader->error, "a JSON document");
        /* Nesting is bounded by the reader. */
        if (element->kind >= JSON_ARRAY && !read_container(arena, reader, element))
            return false;
        if (last)
            last->next = element;
        else
            json->first = element;
        last = element;
        json->size++;
    }
}

struct json *json_read(struct arena *arena, const char *bytes, size_t size,
                       struct lathe_error *error)
{
    if (size > JSON_LARGEST) {
        fail(error, LATHE_LIMIT, "the JSON document has %zu bytes, and at most %d are taken", size,
             JSON_LARGEST);
        return NULL;
    }
    struct reader reader;
    reader_open(&reader, READER_JSON, bytes, size, error);
    reader.words = true;
    struct json *root = arena_take(arena, 1, sizeof *root);
    if (!root) {
        fail_memory(error, "a JSON document");
        return NULL;
    }
    if (reader_next(&reader) == READER_FAILED)
        return NULL;
    if (reader.event == READER_END) {
        fail(error, LATHE_INVALID_DATA, "the JSON document is empty");
        return NULL;
    }
    if (!take_value(arena, &reader, root)) {
        fail_memory(error, "a JSON document");
        return NULL;
    }
    if (root->kind >= JSON_ARRAY && !read_container(arena, &reader, root))
        return NULL;
    return reader_next(&reader) == READER_END ? root : NULL;
}

const struct json *json_member(const struct json *object, const char *key)
{
    if (!object || object->kind != JSON_OBJECT)
        return NULL;
    for (const struct json *member = object->first; member; member = member->next)
        if (strcmp(member->key, key) == 0)
            return member;
    return NULL;
}

const char *json_kind_text(const struct json *json)
{
    static const char *const TEXTS[] = {"null",   "true or false", "a number",
                                        "a text", "a list",        "an object"};
    return json ? TEXTS[json->kind] : "nothing";
}

/* ---- writing ---- */

static void put(struct json_out *out, const char *bytes, size_t size)
{
    if (size > out->capacity - out->size) {
        size_t capacity =
            out->capacity * 2 > out->size + size ? out->capacity * 2 : out->size + size + 256;
        char *larger = out->failed ? NULL : realloc(out->bytes, capacity);
        if (!larger) {
            out->failed = true;
            return;
        }
        out->bytes = larger;
        out->capacity = capacity;
    }
    memcpy(out->bytes + out->size, bytes, size);
    out->size += size;
}

static void put_string(struct json_out *out, const char *text, size_t size)
{
    put(out, "\"", 1);
    size_t from = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)text[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\')
            continue;
        char escape[8];
        snprintf(escape, sizeof escape, "\\u%04x", byte);
        put(out, text + from, i - from);
        put(out, escape, 6);
        from = i + 1;
    }
    put(out, text + from, size - from);
    put(out, "\"", 1);
}

static void begin(struct json_out *out, const char *key)
{
    if (out->comma)
        put(out, ",", 1);
    out->comma = true;
    if (!key)
        return;
    put_string(out, key, strlen(key));
    put(out, ":", 1);
}

void out_open(struct json_out *out, const char *key, char bracket)
{
    begin(out, key);
    put(out, &bracket, 1);
    out->comma = false;
}

void out_close(struct json_out *out, char bracket)
{
    put(out, &bracket, 1);
    out->comma = true;
}

void out_text(struct json_out *out, const char *key, const char *text, size_t size)
{
    begin(out, key);
    put_string(out, text, size);
}

void out_bool(struct json_out *out, const char *key, bool truth)
{
    begin(out, key);
    put(out, truth ? "true" : "false", truth ? 4 : 5);
}

void out_integer(struct json_out *out, const char *key, int64_t number)
{
    char text[TEXT_NUMBER];
    begin(out, key);
    put(out, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number));
}

void out_number(struct json_out *out, const char *key, double number)
{
    char text[TEXT_NUMBER];
    begin(out, key);
    if (isfinite(number))
        put(out, text, text_double(text, number));
    else
        put(out, "null", 4);
}
