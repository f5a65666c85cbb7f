/* A batch of metrics out of a request's body: of a thousand metrics the tree of JSON would be most
 * of the work. */
#include <math.h>
#include <string.h>

#include "parse/reader.h"
#include "service/mlflow/mlflow_inside.h"

/* Which members of a metric were read. */
enum { KEY = 1, VALUE = 2, TIME = 4, STEP = 8 };

/* A series' name, which is mostly that of the metric before. NULL: it is not plain. */
static const char *name_in(struct plain_batch *batch, const struct reader *reader)
{
    const char *last =
        batch->names->len ? g_ptr_array_index(batch->names, batch->names->len - 1) : NULL;
    if (reader->escaped || !reader->size)
        return NULL;
    if (last && strlen(last) == reader->size && memcmp(last, reader->text, reader->size) == 0)
        return last;
    char *name = g_strndup(reader->text, reader->size);
    g_ptr_array_add(batch->names, name);
    return name;
}

static unsigned member_of(const struct reader *reader)
{
    static const char *const names[] = {"key", "value", "timestamp", "step"};
    for (unsigned i = 0; i < G_N_ELEMENTS(names); i++)
        if (reader_is(reader, names[i]))
            return 1u << i;
    return 0;
}

/* The value of a member. */
static bool take_member(struct plain_batch *batch, struct reader *reader, unsigned member,
                        struct series_point *point)
{
    enum reader_event event = reader_next(reader);
    if (member == KEY)
        return event == READER_STRING && (point->name = name_in(batch, reader)) != NULL;
    if (event != READER_NUMBER || (member != VALUE && !reader->is_integer))
        return false;
    if (member == VALUE && !isfinite(reader->number))
        return false;
    if (member == VALUE)
        point->value = reader->number;
    else if (member == TIME)
        point->time = reader->integer;
    else
        point->step = reader->integer;
    return true;
}

/* Of a metric whose object was begun. */
static bool take_metric(struct plain_batch *batch, struct reader *reader)
{
    struct series_point point = {0};
    unsigned seen = 0;
    enum reader_event event;
    while ((event = reader_next(reader)) == READER_KEY) {
        unsigned member = member_of(reader);
        if (!member || seen & member || !take_member(batch, reader, member, &point))
            return false;
        seen |= member;
    }
    g_array_append_val(batch->points, point);
    return event == READER_OBJECT_END && (seen | STEP) == (KEY | VALUE | TIME | STEP) &&
           point.time >= 0;
}

static bool take_metrics(struct plain_batch *batch, struct reader *reader, size_t most)
{
    enum reader_event event = READER_OBJECT;
    if (batch->points->len || reader_next(reader) != READER_ARRAY)
        return false;
    while ((event = reader_next(reader)) == READER_OBJECT)
        if (batch->points->len == most || !take_metric(batch, reader))
            return false;
    return event == READER_ARRAY_END;
}

static bool take_run(struct plain_batch *batch, struct reader *reader)
{
    if (batch->run || reader_next(reader) != READER_STRING || reader->escaped || !reader->size)
        return false;
    batch->run = g_strndup(reader->text, reader->size);
    return true;
}

static bool take_batch(struct plain_batch *batch, struct reader *reader, size_t most)
{
    enum reader_event event = reader_next(reader);
    if (event != READER_OBJECT)
        return false;
    while ((event = reader_next(reader)) == READER_KEY) {
        bool taken = reader_is(reader, "run_id")    ? take_run(batch, reader)
                     : reader_is(reader, "metrics") ? take_metrics(batch, reader, most)
                                                    : false;
        if (!taken)
            return false;
    }
    return event == READER_OBJECT_END && reader_next(reader) == READER_END && batch->run &&
           batch->points->len;
}

bool plain_batch_read(struct plain_batch *batch, size_t most, const char *body, size_t size)
{
    struct reader reader;
    *batch = (struct plain_batch){NULL, g_array_new(FALSE, FALSE, sizeof(struct series_point)),
                                  g_ptr_array_new_with_free_func(g_free)};
    reader_open(&reader, READER_JSON, body, size, NULL);
    return take_batch(batch, &reader, most);
}

void plain_batch_clear(struct plain_batch *batch)
{
    g_free(batch->run);
    g_array_unref(batch->points);
    g_ptr_array_unref(batch->names);
}
