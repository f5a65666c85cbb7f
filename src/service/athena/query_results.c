/* GetQueryResults: a result's object, read page by page. A page's token says where in the object
 * the next one begins. */
#include <string.h>

#include "base/page.h"
#include "base/s3_uri.h"
#include "lake/lake.h"
#include "service/athena/athena_inside.h"

enum { MOST_ROWS = 1000, PIECE = 64 << 10 };

/* ---- reading ---- */

/* The object's bytes from a place on, as far as they are needed. */
struct reader {
    struct stream *stream;
    GString *held; /* bytes that were read and not yet taken */
    size_t at;     /* in them */
    gint64 place;  /* of `at` in the object */
    bool ended;
    GError **error;
};

static bool read_more(struct reader *reader)
{
    char piece[PIECE];
    g_string_erase(reader->held, 0, (gssize)reader->at);
    reader->at = 0;
    gssize size =
        reader->ended ? 0 : stream_read(reader->stream, piece, sizeof piece, reader->error);
    reader->ended = size <= 0;
    g_string_append_len(reader->held, piece, MAX(size, 0));
    return size > 0;
}

/* The next byte; -1 at the end. */
static int peek(struct reader *reader)
{
    if (reader->at == reader->held->len && !read_more(reader))
        return -1;
    return (unsigned char)reader->held->str[reader->at];
}

static int take(struct reader *reader)
{
    int letter = peek(reader);
    reader->at += letter >= 0;
    reader->place += letter >= 0;
    return letter;
}

/* ---- Athena's CSV: every value quoted, a null is nothing ---- */

static json_t *quoted_value(struct reader *reader)
{
    g_autoptr(GString) text = g_string_new(NULL);
    take(reader);
    for (int letter; (letter = take(reader)) >= 0;) {
        if (letter == '"' && peek(reader) != '"')
            break;
        if (letter == '"')
            take(reader);
        g_string_append_c(text, (char)letter);
    }
    return json_pack("{ss#}", "VarCharValue", text->str, text->len);
}

static json_t *csv_row(struct reader *reader)
{
    json_t *values = json_array();
    int letter;
    do {
        letter = peek(reader);
        json_array_append_new(values, letter == '"' ? quoted_value(reader) : json_object());
        letter = take(reader);
    } while (letter == ',');
    return json_pack("{so}", "Data", values);
}

/* ---- what definitions show: a line is a row of one value ---- */

static json_t *line_row(struct reader *reader)
{
    g_autoptr(GString) text = g_string_new(NULL);
    for (int letter; (letter = take(reader)) >= 0 && letter != '\n';)
        g_string_append_c(text, (char)letter);
    return json_pack("{s[{ss#}]}", "Data", "VarCharValue", text->str, text->len);
}

/* ---- pages ---- */

static json_t *read_rows(struct reader *reader, bool csv, size_t limit)
{
    json_t *rows = json_array();
    while (json_array_size(rows) < limit && peek(reader) >= 0)
        json_array_append_new(rows, csv ? csv_row(reader) : line_row(reader));
    return rows;
}

static struct stream *open_result(const struct call *call, const char *uri, gint64 place,
                                  GError **error)
{
    g_autofree char *bucket = NULL, *key = NULL;
    GError *cause = NULL;
    g_autoptr(lake_object_auto) object = s3_uri_parse(uri, &bucket, &key, &cause)
                                             ? lake_stat(call->lathe->lake, bucket, key, &cause)
                                             : NULL;
    struct stream *stream = object ? lake_get(call->lathe->lake, object, &cause) : NULL;
    if (cause) {
        error_set(error, ERROR_INVALID_REQUEST_EXCEPTION, "Could not find results: %s",
                  cause->message);
        g_error_free(cause);
    }
    return stream ? stream_slice(stream, place, object->size - place) : NULL;
}

static bool put_page(const struct call *call, const json_t *request,
                     const struct resource *execution, gint64 place, struct reply *reply,
                     GError **error)
{
    const char *uri = json_text_at(execution->body, "ResultConfiguration.OutputLocation");
    bool csv = g_str_has_suffix(uri, ".csv");
    g_autoptr(stream_auto) stream = open_result(call, uri, place, error);
    if (!stream)
        return false;
    GError *cause = NULL;
    g_autoptr(GString) held = g_string_new(NULL);
    struct reader reader = {.stream = stream, .held = held, .place = place, .error = &cause};
    g_autoptr(json_auto) rows =
        read_rows(&reader, csv, (size_t)json_integer_at(request, "MaxResults", MOST_ROWS));
    g_autofree char *next =
        peek(&reader) >= 0 ? page_token_at(execution->name, reader.place) : NULL;
    if (cause) {
        g_propagate_error(error, cause);
        return false;
    }
    reply->output =
        json_pack("{s{sOs{sO}}ss*}", "ResultSet", "Rows", rows, "ResultSetMetadata", "ColumnInfo",
                  json_object_get(execution->body, "Columns"), "NextToken", next);
    return true;
}

/* What writes has no result of its own. */
static bool put_none(const struct resource *execution, struct reply *reply)
{
    reply->output = json_pack("{s{s[]s{sO}}}", "ResultSet", "Rows", "ResultSetMetadata",
                              "ColumnInfo", json_object_get(execution->body, "Columns"));
    return true;
}

static bool check_over(const struct resource *execution, GError **error)
{
    const char *status = execution->status;
    if (strcmp(status, "SUCCEEDED") == 0)
        return true;
    bool going = strcmp(status, "QUEUED") == 0 || strcmp(status, "RUNNING") == 0;
    return error_set(error, ERROR_INVALID_REQUEST_EXCEPTION,
                     going ? "Query has not yet finished. Current state: %s"
                           : "Query did not finish successfully. Final query state: %s",
                     status);
}

bool get_query_results(const struct call *call, const json_t *request, struct reply *reply,
                       GError **error)
{
    g_autoptr(resource_auto) execution =
        athena_get(call, QUERY_EXECUTION, json_text_at(request, "QueryExecutionId"), error);
    const char *token = json_text_at(request, "NextToken");
    gint64 place = 0;
    if (!execution || !check_over(execution, error) ||
        (token &&
         !page_position(execution->name, token, &place, ERROR_INVALID_REQUEST_EXCEPTION, error)))
        return false;
    const char *uri = json_text_at(execution->body, "ResultConfiguration.OutputLocation");
    bool shows = g_str_has_suffix(uri, ".csv") || g_str_has_suffix(uri, ".txt");
    if (!(shows ? put_page(call, request, execution, place, reply, error)
                : put_none(execution, reply)))
        return false;
    json_put(reply->output, "UpdateCount",
             json_incref(json_object_get(execution->body, "UpdateCount")));
    return true;
}
