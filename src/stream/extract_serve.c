#define _GNU_SOURCE /* clearenv */
/* The process that runs queries: what it was asked last is kept compiled. */
#include <jq.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "stream/extract.h"
#include "worker/serve.h"

#define NO_KEY "partitionKeys values must not be null or empty"

struct session {
    char *query;
    jq_state *jq;
    GString *complaints; /* of the compiler */
};

/* ---- the query ---- */

static void complain(void *data, jv message)
{
    struct session *session = data;
    jv text = jq_format_error(message);
    if (jv_get_kind(text) == JV_KIND_STRING)
        g_string_append_printf(session->complaints, "%s%s", session->complaints->len ? "; " : "",
                               jv_string_value(text));
    jv_free(text);
}

/* Modules are files, and lathe's queries read none. They stand first in a query. */
static bool begins_with_module(const char *query)
{
    static const char *const words[] = {"import", "include", "module"};
    query += strspn(query, " \t\r\n");
    while (*query == '#') {
        query += strcspn(query, "\n");
        query += strspn(query, " \t\r\n");
    }
    for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
        if (g_str_has_prefix(query, words[i]) && !g_ascii_isalnum(query[strlen(words[i])]))
            return true;
    return false;
}

static void forget(struct session *session)
{
    if (session->jq)
        jq_teardown(&session->jq);
    g_clear_pointer(&session->query, g_free);
}

static bool compile(struct session *session, const char *query, GError **error)
{
    if (g_strcmp0(session->query, query) == 0)
        return true;
    forget(session);
    if (begins_with_module(query))
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "MetadataExtractionQuery: modules are not supported.");
    g_string_truncate(session->complaints, 0);
    session->jq = jq_init();
    jq_set_error_cb(session->jq, complain, session);
    if (!jq_compile(session->jq, query)) {
        forget(session);
        return error_set(error, ERROR_INVALID_ARGUMENT_EXCEPTION,
                         "MetadataExtractionQuery is no query of jq 1.6: %s",
                         session->complaints->str);
    }
    session->query = g_strdup(query);
    return true;
}

/* ---- a record ---- */

/* What jq says of a failure; takes it. */
static json_t *failure_of(jv invalid)
{
    jv message = jv_invalid_get_msg(invalid);
    json_t *text =
        json_string(jv_get_kind(message) == JV_KIND_STRING ? jv_string_value(message) : NO_KEY);
    jv_free(message);
    return text ? text : json_string("the query failed");
}

/* A key's text; NULL where it has none. Takes the value. */
static json_t *text_of(jv value)
{
    jv_kind kind = jv_get_kind(value);
    if (kind == JV_KIND_NULL || kind == JV_KIND_ARRAY || kind == JV_KIND_OBJECT) {
        jv_free(value);
        return NULL;
    }
    jv text = kind == JV_KIND_STRING ? value : jv_dump_string(value, 0);
    json_t *found =
        jv_string_length_bytes(jv_copy(text)) ? json_string(jv_string_value(text)) : NULL;
    jv_free(text);
    return found;
}

/* Takes the result. */
static json_t *keys_of(jv result)
{
    json_t *keys = json_object();
    for (int i = jv_object_iter(result); keys && jv_object_iter_valid(result, i);
         i = jv_object_iter_next(result, i)) {
        jv name = jv_object_iter_key(result, i);
        json_t *text = text_of(jv_object_iter_value(result, i));
        if (!text)
            g_clear_pointer(&keys, json_decref);
        else
            json_object_set_new(keys, jv_string_value(name), text);
        jv_free(name);
    }
    jv_free(result);
    return keys ? keys : json_string(NO_KEY);
}

static json_t *run(struct session *session, const char *bytes, size_t size)
{
    jv value = jv_parse_sized(bytes, (int)size);
    if (!jv_is_valid(value)) {
        jv_free(value);
        return json_string("Non JSON record provided");
    }
    jq_start(session->jq, value, 0);
    jv result = jq_next(session->jq);
    if (!jv_is_valid(result))
        return failure_of(result);
    if (jv_get_kind(result) == JV_KIND_OBJECT)
        return keys_of(result);
    jv_free(result);
    return json_string("the query's result is no object of partition keys");
}

/* ---- a call ---- */

/* The next text of a request; false at its end. */
static bool take(const char **at, const char *end, const char **text, size_t *size)
{
    guint32 length;
    if ((size_t)(end - *at) < sizeof length)
        return false;
    memcpy(&length, *at, sizeof length);
    *size = GUINT32_FROM_LE(length);
    *text = *at + sizeof length;
    if ((size_t)(end - *text) < *size)
        return false;
    *at = *text + *size;
    return true;
}

static GBytes *answer(struct worker_server *server, GBytes *request, void *data, GError **error)
{
    (void)server;
    struct session *session = data;
    gsize length;
    const char *at = g_bytes_get_data(request, &length), *end = at + length, *text;
    size_t size;
    g_autofree char *query = take(&at, end, &text, &size) ? g_strndup(text, size) : g_strdup("");
    if (!compile(session, query, error))
        return NULL;
    g_autoptr(json_auto) answers = json_array();
    while (take(&at, end, &text, &size))
        json_array_append_new(answers, run(session, text, size));
    char *reply = json_dumps(answers, JSON_COMPACT);
    return g_bytes_new_with_free_func(reply, strlen(reply), free, reply);
}

/* A query sees no environment: env is empty. */
int extract_serve(void)
{
    struct session session = {.complaints = g_string_new(NULL)};
    clearenv();
    int status = worker_serve(answer, &session);
    forget(&session);
    g_string_free(session.complaints, TRUE);
    return status;
}
