#include "container/fused_model.h"

#include <string.h>

#include "base/error.h"
#include "container/media.h"
#include "tree/xgboost_release.h"

/* Larger artifacts are refused: an archive is input from outside. */
#define ARTIFACT_LIMIT ((size_t)4 << 30)

struct fused_model {
    struct lathe_predictor *predictor;
    /* The release of the XGBoost container that reads the rows, and of the one that writes the
     * answer; NULL where that is a bundle's. */
    const struct xgboost_release *reader, *writer;
    bool one_of_many;
    bool selects; /* the last container's environment selects an answer's content */
    bool batch;   /* and says that this is no endpoint: an answer is a line a row */
    /* The content type of answers where a request leaves it open: the last container's environment
     * variable SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT, or NULL. */
    char *default_accept;
};

/* ---- opening ---- */

/* One container's artifact, and its environment as "NAME=VALUE"s. */
struct fetched {
    GBytes *archive;
    GStrv environment;
};

static void fetched_clear(void *of)
{
    struct fetched *fetched = of;
    g_clear_pointer(&fetched->archive, g_bytes_unref);
    g_strfreev(fetched->environment);
}

static bool is_one_of_many(const json_t *container)
{
    return json_text_at(container, "Environment." MULTI_MODEL_VARIABLE) != NULL;
}

/* What selects an answer's content is not heeded by the server of many models. */
static bool is_heeded(const json_t *container, const char *variable)
{
    return strcmp(variable, "SAGEMAKER_INFERENCE_OUTPUT") != 0 || !is_one_of_many(container);
}

static GStrv environment_of(const json_t *container)
{
    g_autoptr(GStrvBuilder) variables = g_strv_builder_new();
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(container, "Environment"), name, value)
    {
        g_autofree char *variable = g_strdup_printf("%s=%s", name, json_string_value(value));
        if (is_heeded(container, name))
            g_strv_builder_add(variables, variable);
    }
    return g_strv_builder_end(variables);
}

/* Fetches the artifacts of all containers; lets one failed fetch fail all. */
static bool fetch(const struct model_objects *objects, const json_t *containers, GArray *fetched,
                  GError **error)
{
    size_t i;
    const json_t *container;
    json_array_foreach((json_t *)containers, i, container)
    {
        const char *uri = json_text_at(container, "ModelDataUrl");
        struct fetched one = {.archive = model_object_get(objects, uri, ARTIFACT_LIMIT, error)};
        if (!one.archive)
            return false;
        one.environment = environment_of(container);
        g_array_append_val(fetched, one);
    }
    return true;
}

static const char *image_of(const json_t *container)
{
    const char *image = json_text_at(container, "Image");
    return image ? image : "";
}

/* The ways of the containers at the two ends. */
static void note_ends(struct fused_model *fused, const json_t *containers)
{
    const json_t *first = json_array_get(containers, 0);
    const json_t *last = json_array_get(containers, json_array_size(containers) - 1);
    if (!lathe_predictor_starts_with_bundle(fused->predictor))
        fused->reader = xgboost_release_find(image_of(first));
    if (!lathe_predictor_ends_in_bundle(fused->predictor))
        fused->writer = xgboost_release_find(image_of(last));
    fused->default_accept =
        g_strdup(json_text_at(last, "Environment.SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT"));
    const char *batch = json_text_at(last, "Environment.SAGEMAKER_BATCH");
    fused->batch = batch && *batch;
    fused->one_of_many = is_one_of_many(last);
    fused->selects = fused->writer && fused->writer->selects && !fused->one_of_many &&
                     json_text_at(last, "Environment.SAGEMAKER_INFERENCE_OUTPUT");
}

static struct lathe_predictor *open_predictor(const json_t *containers, const GArray *fetched,
                                              GError **error)
{
    g_autofree struct lathe_artifact *artifacts = g_new0(struct lathe_artifact, fetched->len);
    for (guint i = 0; i < fetched->len; i++) {
        const struct fetched *one = &g_array_index(fetched, struct fetched, i);
        artifacts[i].name = json_text_at(json_array_get(containers, i), "ModelDataUrl");
        artifacts[i].bytes = g_bytes_get_data(one->archive, &artifacts[i].size);
        artifacts[i].image = image_of(json_array_get(containers, i));
        artifacts[i].environment = (const char *const *)one->environment;
    }
    struct lathe_error cause;
    struct lathe_predictor *predictor = lathe_predictor_open(artifacts, fetched->len, &cause);
    if (!predictor)
        error_set(error, ERROR_VALIDATION, "%s", cause.message);
    return predictor;
}

/* ---- answering ---- */

/* How a container of a kind refuses what it is given: the XGBoost container calls rows that it
 * cannot read an unsupported media type, and those that are not its model's a bad request. */
static unsigned rows_status(const struct fused_model *model, enum lathe_code code)
{
    if (code == LATHE_NO_MEMORY)
        return 500;
    if (model->reader)
        return code == LATHE_MISFIT ? 400 : 415;
    return code == LATHE_UNSUPPORTED ? 415 : 400;
}

/* The format of the rows; where that is refused, the words. */
static char *rows_format(const struct fused_model *model, const struct invocation *invocation,
                         enum lathe_row_format *format)
{
    if (model->reader)
        return media_container_format(invocation->content_type, format);
    if (media_read_format(invocation->content_type, format))
        return NULL;
    return g_strdup_printf("Content type %s is not supported; text/csv, application/json and "
                           "application/jsonlines are.",
                           invocation->content_type);
}

/* The format of the answer and its content type; where that is refused, the words and the status.
 */
static char *answer_format(const struct fused_model *model, const struct invocation *invocation,
                           enum lathe_answer_format *format, const char **content_type,
                           unsigned *status)
{
    const char *accept = invocation->accept;
    const char *fallback = model->default_accept;
    if (model->writer && model->one_of_many)
        return media_container_answer_of_many(accept, fallback, format, content_type, status);
    if (model->writer)
        return media_container_answer(model->writer, model->selects, accept, fallback, format,
                                      content_type, status);
    if (media_is_any(accept))
        accept = fallback;
    if (media_write_format(accept, true, format, content_type))
        return NULL;
    *status = 400;
    return g_strdup_printf("Accept type %s is not supported; text/csv, application/json and "
                           "application/jsonlines are.",
                           accept);
}

/* As the XGBoost container does, lines in a batch whatever type it accepts, where their content is
 * not selected. */
static bool writes_lines(const struct fused_model *model, enum lathe_answer_format format)
{
    return model->batch && (model->writer ? !model->selects : format == LATHE_ANSWERS_CSV);
}

/* In the container's order: rows that cannot be read are refused before an answer that cannot be
 * written. */
static bool answer(void *data, const struct invocation *invocation, struct invocation_reply *reply,
                   GError **error)
{
    const struct fused_model *model = data;
    reply->custom_attributes = g_strdup(invocation->custom_attributes);
    if (invocation->size == 0 && model->reader)
        return true; /* the container answers 204 with nothing in it */
    enum lathe_row_format rows;
    enum lathe_answer_format answers = LATHE_ANSWERS_CSV;
    g_autofree char *unread = rows_format(model, invocation, &rows);
    if (unread)
        return invocation_refuse(reply, 415, unread, error);
    unsigned status = 0;
    const char *content_type = NULL;
    g_autofree char *unwritten = answer_format(model, invocation, &answers, &content_type, &status);
    if (writes_lines(model, answers)) {
        answers = LATHE_ANSWERS_CSV_LINES;
        if (status == 500) /* of a type that only selected content is written in */
            g_clear_pointer(&unwritten, g_free);
    }
    struct lathe_error cause;
    if (!lathe_predict_text(model->predictor, rows, invocation->bytes, invocation->size, answers,
                            &reply->body, &cause))
        return invocation_refuse(reply, rows_status(model, cause.code), cause.message, error);
    reply->content_type = g_strdup(content_type);
    return !unwritten || invocation_refuse(reply, status, unwritten, error);
}

static bool joins(void *data, const struct invocation *invocation)
{
    const struct fused_model *model = data;
    enum lathe_row_format rows;
    enum lathe_answer_format answers = LATHE_ANSWERS_CSV;
    unsigned status = 0;
    const char *content_type;
    g_autofree char *unread = rows_format(model, invocation, &rows);
    g_autofree char *unwritten = answer_format(model, invocation, &answers, &content_type, &status);
    return !unread && rows == LATHE_ROWS_CSV && writes_lines(model, answers);
}

static void close_model(void *data)
{
    struct fused_model *model = data;
    lathe_predictor_close(model->predictor);
    g_free(model->default_accept);
    g_free(model);
}

struct served_model *fused_model_open(const struct model_objects *objects, const json_t *containers,
                                      GError **error)
{
    static const struct served_model_kind kind = {
        .answer = answer, .close = close_model, .quick_bytes = FUSED_QUICK_BYTES, .joins = joins};
    g_autoptr(GArray) fetched = g_array_new(FALSE, FALSE, sizeof(struct fetched));
    g_array_set_clear_func(fetched, fetched_clear);
    struct lathe_predictor *predictor = NULL;
    if (fetch(objects, containers, fetched, error))
        predictor = open_predictor(containers, fetched, error);
    if (!predictor)
        return NULL;
    struct fused_model *model = g_new0(struct fused_model, 1);
    model->predictor = predictor;
    note_ends(model, containers);
    return served_model_new(&kind, model);
}
