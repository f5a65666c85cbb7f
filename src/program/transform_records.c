#include "program/transform_records.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/id.h"
#include "program/transform_filter.h"

struct span {
    const char *bytes;
    size_t size;
};

/* ---- the request ---- */

enum transform_media transform_media(const char *content_type)
{
    g_autofree char *type = g_strndup(content_type ? content_type : "",
                                      strcspn(content_type ? content_type : "", "; "));
    if (g_ascii_strcasecmp(type, "text/csv") == 0 || g_ascii_strcasecmp(type, "csv") == 0)
        return TRANSFORM_CSV;
    return g_ascii_strncasecmp(type, "application/json", strlen("application/json")) == 0
               ? TRANSFORM_JSON
               : TRANSFORM_OTHER;
}

static bool is(const json_t *request, const char *path, const char *word)
{
    return g_strcmp0(json_text_at(request, path), word) == 0;
}

static enum rows_split split_of(const json_t *request)
{
    static const char *const words[] = {[ROWS_SPLIT_LINES] = "Line",
                                        [ROWS_SPLIT_RECORDIO] = "RecordIO",
                                        [ROWS_SPLIT_TFRECORD] = "TFRecord"};
    for (size_t i = ROWS_SPLIT_LINES; i < G_N_ELEMENTS(words); i++)
        if (is(request, "TransformInput.SplitType", words[i]))
            return (enum rows_split)i;
    return ROWS_SPLIT_NONE;
}

static struct json_path *path_of(const json_t *request, const char *member, GError **error)
{
    const char *text = json_text_at(request, member);
    return json_path_parse(text && *text ? text : "$", error);
}

bool transform_read(struct transform *transform, const json_t *request, GError **error)
{
    const char *content_type = json_text_at(request, "TransformInput.ContentType");
    *transform = (struct transform){
        .content_type = content_type,
        .accept = json_text_at(request, "TransformOutput.Accept"),
        .media = transform_media(content_type),
        .split = split_of(request),
        .single = is(request, "BatchStrategy", "SingleRecord"),
        .ends_lines = is(request, "TransformOutput.AssembleWith", "Line"),
        .joins = is(request, "DataProcessing.JoinSource", "Input"),
        .ids = json_true_at(request, "DataCaptureConfig.GenerateInferenceId"),
    };
    transform->input = path_of(request, "DataProcessing.InputFilter", error);
    transform->output =
        transform->input ? path_of(request, "DataProcessing.OutputFilter", error) : NULL;
    return transform->output != NULL;
}

void transform_clear(struct transform *transform)
{
    json_path_free(transform->input);
    json_path_free(transform->output);
    served_model_unref(transform->model);
}

/* ---- a payload's records ---- */

static bool is_blank(struct span span)
{
    for (size_t i = 0; i < span.size; i++)
        if (span.bytes[i] != '\n' && span.bytes[i] != '\r')
            return false;
    return true;
}

/* What records are where they are looked into, or sent one by one: a JSON document may be a whole
 * file; CSV is rows in any case. */
static enum rows_split inner_split(const struct transform *transform)
{
    return transform->split == ROWS_SPLIT_NONE && transform->media == TRANSFORM_CSV
               ? ROWS_SPLIT_LINES
               : transform->split;
}

static GArray *records_of(enum rows_split split, struct span payload)
{
    GArray *records = g_array_new(FALSE, FALSE, sizeof(struct span));
    for (size_t at = 0; at < payload.size;) {
        size_t size = rows_record_size(split, payload.bytes + at, payload.size - at);
        struct span record = {payload.bytes + at, size};
        g_array_append_val(records, record);
        at += size;
    }
    return records;
}

/* A line without its end; what is no line is whole. */
static struct span content_of(enum rows_split split, struct span record)
{
    if (split > ROWS_SPLIT_LINES)
        return record;
    while (record.size && memchr("\r\n", record.bytes[record.size - 1], 2))
        record.size--;
    return record;
}

/* Lines without anything are no records: what a container would make of one depends on what else
 * is in the payload. */
static bool has_blanks(struct span whole)
{
    const char *at = whole.bytes, *end = whole.bytes + whole.size;
    while (at < end && *at != '\n' && *at != '\r') {
        const char *line_end = memchr(at, '\n', (size_t)(end - at));
        at = line_end ? line_end + 1 : end;
    }
    return at < end;
}

/* What a filter leaves of a record. */
static bool choose(const struct json_path *path, enum transform_media media, struct span record,
                   GString *out, GError **error)
{
    if (!path->steps->len) {
        g_string_append_len(out, record.bytes, (gssize)record.size);
        return true;
    }
    return media == TRANSFORM_CSV ? filter_csv(path, record.bytes, record.size, out, error)
                                  : filter_json(path, record.bytes, record.size, out, error);
}

/* ---- asking ---- */

/* One payload on its way. */
struct payload {
    const struct transform *transform;
    GArray *records; /* struct span, each with its line end */
    struct span whole;
    struct invocation_reply reply;
    size_t at_fault; /* record, from 1; 0: no single one */
};

static void find_records(struct payload *payload)
{
    if (!payload->records)
        payload->records = records_of(inner_split(payload->transform), payload->whole);
}

/* The body that the first so many records make: theirs, or what the filter chooses of them. */
static bool make_body(struct payload *payload, size_t count, GString *body, GError **error)
{
    const struct transform *transform = payload->transform;
    enum rows_split split = inner_split(transform);
    for (size_t i = 0; i < count; i++) {
        struct span record = content_of(split, g_array_index(payload->records, struct span, i));
        if (is_blank(record))
            continue;
        payload->at_fault = i + 1;
        if (!choose(transform->input, transform->media, record, body, error))
            return false;
        if (split == ROWS_SPLIT_LINES && !transform->single)
            g_string_append_c(body, '\n');
    }
    payload->at_fault = 0;
    return true;
}

static bool ask_once(const struct payload *payload, struct span body,
                     struct invocation_reply *reply, GError **error)
{
    struct invocation invocation = {.endpoint = "",
                                    .account = "",
                                    .content_type = payload->transform->content_type,
                                    .accept = payload->transform->accept,
                                    .bytes = body.bytes,
                                    .size = body.size};
    return served_model_answer(payload->transform->model, &invocation, reply, error);
}

/* A refusal by the request's fault is the same again. */
static bool may_succeed(const struct invocation_reply *reply)
{
    return !reply->refusal || reply->refused_status == 0 || reply->refused_status >= 500;
}

static bool ask(const struct payload *payload, struct span body, struct invocation_reply *reply,
                GError **error)
{
    for (unsigned tries = 0;; tries++) {
        g_autoptr(GError) cause = NULL;
        if (ask_once(payload, body, reply, &cause))
            return true;
        if (tries == payload->transform->retries || !may_succeed(reply)) {
            g_propagate_error(error, g_steal_pointer(&cause));
            return false;
        }
        invocation_reply_clear(reply);
        *reply = (struct invocation_reply){0};
        g_usleep(G_USEC_PER_SEC / 10);
    }
}

/* ---- whose fault ---- */

/* The first so many records as a body. */
static struct span body_of(struct payload *payload, size_t count, GString *room)
{
    g_string_truncate(room, 0);
    make_body(payload, count, room, NULL);
    return (struct span){room->str, room->len};
}

static bool is_refused(const struct payload *payload, struct span body,
                       struct invocation_reply *reply)
{
    *reply = (struct invocation_reply){0};
    return !ask_once(payload, body, reply, NULL) && reply->refusal && reply->refused_status;
}

/* The record up to which all are answered: as a rule a model that refuses some rows refuses them
 * with more rows behind. */
static size_t first_refused(struct payload *payload)
{
    size_t good = 0, bad = payload->records->len;
    g_autoptr(GString) room = g_string_new(NULL);
    while (good + 1 < bad) {
        size_t middle = good + (bad - good) / 2;
        struct invocation_reply reply;
        bool refused = is_refused(payload, body_of(payload, middle, room), &reply);
        invocation_reply_clear(&reply);
        *(refused ? &bad : &good) = middle;
    }
    return bad;
}

/* Its own words where it is refused alone, too: those of a whole payload count its rows. */
static void blame(struct payload *payload)
{
    payload->at_fault = first_refused(payload);
    struct invocation_reply alone;
    GArray *all = payload->records;
    struct span whole = payload->whole,
                one = g_array_index(all, struct span, payload->at_fault - 1);
    payload->records = g_array_new(FALSE, FALSE, sizeof(struct span));
    g_array_append_val(payload->records, one);
    payload->whole = one;
    g_autoptr(GString) room = g_string_new(NULL);
    size_t number = payload->at_fault;
    bool refused = is_refused(payload, body_of(payload, 1, room), &alone);
    g_array_unref(payload->records);
    payload->records = all;
    payload->whole = whole;
    payload->at_fault = inner_split(payload->transform) == ROWS_SPLIT_NONE ? 0 : number;
    if (refused) {
        invocation_reply_clear(&payload->reply);
        payload->reply = alone;
    } else {
        invocation_reply_clear(&alone);
    }
}

/* A refusal in words of its own: its status, and what the model says. */
static bool tell_refusal(struct payload *payload, GError *cause, GError **error)
{
    const struct invocation_reply *reply = &payload->reply;
    bool told = reply->refusal && reply->refused_status;
    if (told)
        blame(payload);
    bool clients = told && reply->refused_status < 500;
    if (told)
        error_set(error, clients ? ERROR_VALIDATION : ERROR_MODEL, "%u: %s", reply->refused_status,
                  reply->refusal);
    else
        error_set(error, ERROR_MODEL, "%s", reply->refusal ? reply->refusal : cause->message);
    g_error_free(cause);
    return false;
}

/* ---- what is written ---- */

static void put(struct lathe_text *text, const char *bytes, size_t size)
{
    if (text->size + size > text->capacity) {
        text->capacity = MAX(2 * text->capacity, text->size + size);
        text->bytes = realloc(text->bytes, text->capacity);
        if (!text->bytes)
            g_error("no memory for %zu bytes of answers", text->capacity);
    }
    if (size)
        memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

static bool ends_line(struct span span)
{
    return span.size && span.bytes[span.size - 1] == '\n';
}

/* Whether answers are looked into, record by record. */
static bool looks_at_answers(const struct transform *transform)
{
    return transform->joins || transform->ids || transform->output->steps->len;
}

static bool join(const struct transform *transform, enum transform_media media, struct span record,
                 struct span answer, GString *out, GError **error)
{
    if (!transform->joins) {
        g_string_append_len(out, answer.bytes, (gssize)answer.size);
        return true;
    }
    if (transform->media == TRANSFORM_JSON)
        return join_json(record.bytes, record.size, answer.bytes, answer.size, out, error);
    if (media != TRANSFORM_CSV)
        return error_set(error, ERROR_VALIDATION,
                         "rows of text/csv are joined with answers of text/csv alone: say so as "
                         "TransformOutput.Accept");
    g_string_append_len(out, record.bytes, (gssize)record.size);
    g_string_append_c(out, ',');
    g_string_append_len(out, answer.bytes, (gssize)answer.size);
    return true;
}

/* A last member, or a last field, that ground truth is matched by. */
static bool add_id(enum transform_media media, GString *line, GError **error)
{
    g_autofree char *id = id_uuid();
    g_autofree char *time = clock_iso(clock_now());
    if (media == TRANSFORM_CSV) {
        g_string_append_printf(line, ",%s,%s", id, time);
        return true;
    }
    g_autofree char *members = g_strdup_printf(
        "\"SageMakerInferenceId\":\"%s\",\"SageMakerInferenceTime\":\"%s\"", id, time);
    g_autoptr(GString) all = g_string_new(NULL);
    if (!join_members(line->str, line->len, members, all, error))
        return false;
    g_string_assign(line, all->str);
    return true;
}

static bool write_record(const struct transform *transform, enum transform_media media,
                         struct span record, struct span answer, struct lathe_text *text,
                         GError **error)
{
    enum transform_media joined = transform->joins ? transform->media : media;
    g_autoptr(GString) whole = g_string_new(NULL);
    g_autoptr(GString) line = g_string_new(NULL);
    if (!join(transform, media, record, answer, whole, error) ||
        !choose(transform->output, joined, (struct span){whole->str, whole->len}, line, error) ||
        (transform->ids && !add_id(joined, line, error)))
        return false;
    put(text, line->str, line->len);
    if (transform->ends_lines || inner_split(transform) == ROWS_SPLIT_LINES)
        put(text, "\n", 1);
    return true;
}

static bool count_is_right(size_t answers, size_t records, GError **error)
{
    return answers == records ||
           error_set(error, ERROR_VALIDATION,
                     "the model answered %zu records with %zu lines: each has to have one to be "
                     "joined or filtered. BatchStrategy SingleRecord asks for one at a time.",
                     records, answers);
}

static GArray *without_blanks(enum rows_split split, GArray *all)
{
    GArray *kept = g_array_new(FALSE, FALSE, sizeof(struct span));
    for (guint i = 0; i < all->len; i++) {
        struct span content = content_of(split, g_array_index(all, struct span, i));
        if (!is_blank(content))
            g_array_append_val(kept, content);
    }
    return kept;
}

/* Record by record: what one asked is what its answer is. */
static bool write_records(struct payload *payload, struct lathe_text *text, GError **error)
{
    const struct transform *transform = payload->transform;
    struct span answer = {payload->reply.body.bytes, payload->reply.body.size};
    enum rows_split split = inner_split(transform);
    find_records(payload);
    bool whole = transform->single || split == ROWS_SPLIT_NONE;
    g_autoptr(GArray) records = without_blanks(split, payload->records);
    g_autoptr(GArray) lines = records_of(whole ? ROWS_SPLIT_NONE : ROWS_SPLIT_LINES, answer);
    g_autoptr(GArray) answers = without_blanks(ROWS_SPLIT_LINES, lines);
    enum transform_media media = transform_media(payload->reply.content_type);
    if (!count_is_right(answers->len, records->len, error))
        return false;
    for (guint i = 0; i < records->len; i++) {
        payload->at_fault = i + 1;
        if (!write_record(transform, media, g_array_index(records, struct span, i),
                          g_array_index(answers, struct span, i), text, error))
            return false;
    }
    payload->at_fault = 0;
    return true;
}

static bool write_answer(struct payload *payload, struct lathe_text *text, GError **error)
{
    if (looks_at_answers(payload->transform))
        return write_records(payload, text, error);
    struct span answer = {payload->reply.body.bytes, payload->reply.body.size};
    put(text, answer.bytes, answer.size);
    if (payload->transform->ends_lines && answer.size && !ends_line(answer))
        put(text, "\n", 1);
    return true;
}

/* ---- payloads ---- */

/* Whether what is sent is not what the file has. */
static bool makes_body(const struct payload *payload)
{
    const struct transform *transform = payload->transform;
    return transform->input->steps->len ||
           (transform->split == ROWS_SPLIT_LINES && has_blanks(payload->whole));
}

static bool transform_payload(struct payload *payload, struct lathe_text *text, GError **error)
{
    g_autoptr(GString) made = NULL;
    struct span body = payload->whole;
    if (makes_body(payload)) {
        made = g_string_sized_new(payload->whole.size);
        find_records(payload);
        if (!make_body(payload, payload->records->len, made, error))
            return false;
        body = (struct span){made->str, made->len};
    }
    GError *cause = NULL;
    if (ask(payload, body, &payload->reply, &cause))
        return write_answer(payload, text, error);
    find_records(payload);
    return tell_refusal(payload, cause, error);
}

static bool run_payload(const struct transform *transform, struct span whole, size_t *at_fault,
                        struct lathe_text *text, GError **error)
{
    struct payload payload = {.transform = transform, .whole = whole};
    if (is_blank(whole) && transform->split <= ROWS_SPLIT_LINES)
        return true;
    bool done = transform_payload(&payload, text, error);
    *at_fault = payload.at_fault;
    if (payload.records)
        g_array_unref(payload.records);
    invocation_reply_clear(&payload.reply);
    return done;
}

void transform_work(void *data, const char *records, size_t size, struct rows_outcome *outcome)
{
    const struct transform *transform = data;
    struct span all = {records, size};
    size_t number = 0;
    if (!transform->single) {
        run_payload(transform, all, &outcome->record, &outcome->text, &outcome->error);
        return;
    }
    for (size_t at = 0; at < size && !outcome->error;) {
        size_t own = rows_record_size(transform->split, records + at, size - at);
        struct span one = content_of(transform->split, (struct span){records + at, own});
        number++;
        if (!run_payload(transform, one, &outcome->record, &outcome->text, &outcome->error))
            outcome->record = number;
        at += own;
    }
}
