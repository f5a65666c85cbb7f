#include "container/script_model.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/archive.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/process.h"
#include "base/s3_uri.h"

#define ARCHIVE_LIMIT ((size_t)4 << 30)
#define SCRIPT_LIMIT ((gsize)4 << 20)
#define PROGRAM "SAGEMAKER_PROGRAM"
#define SOURCE "SAGEMAKER_SUBMIT_DIRECTORY"

enum {
    LONGEST_REASON = 500,
    MOST_WORKERS = 64,
    WAITING = 100,       /* as the containers' own server lets wait */
    CALL_SECONDS = 60,   /* SageMaker waits no longer */
    START_SECONDS = 480, /* nor for a container to answer pings */
};

static const char *setting(const json_t *container, const char *name)
{
    return json_string_value(json_object_get(json_object_get(container, "Environment"), name));
}

/* ---- what a container brings ---- */

/* SAGEMAKER_PROGRAM is a file or a module. */
static char *program_of(const json_t *container)
{
    const char *program = setting(container, PROGRAM);
    if (!program)
        program = "inference.py";
    return g_str_has_suffix(program, ".py") ? g_strdup(program) : g_strconcat(program, ".py", NULL);
}

static GBytes *fetch(const struct model_objects *objects, const char *uri, GError **error)
{
    return model_object_get(objects, uri, ARCHIVE_LIMIT, error);
}

/* The text of the script, or NULL where it is not found. */
static char *script_text(const struct model_objects *objects, const json_t *container,
                         GError **error)
{
    const char *source = setting(container, SOURCE);
    bool apart = source && s3_uri_is(source);
    const char *uri = apart ? source : json_text_at(container, "ModelDataUrl");
    g_autoptr(GBytes) archive = uri ? fetch(objects, uri, error) : NULL;
    if (!archive)
        return NULL;
    g_autofree char *program = program_of(container);
    g_autofree char *name = apart ? g_strdup(program) : g_strconcat("code/", program, NULL);
    return archive_find_text(archive, name, SCRIPT_LIMIT, error);
}

bool script_model_is(const struct model_objects *objects, const json_t *container, bool *is,
                     GError **error)
{
    *is = setting(container, PROGRAM) != NULL;
    if (*is || !json_text_at(container, "ModelDataUrl"))
        return true;
    GError *cause = NULL;
    g_autofree char *text = script_text(objects, container, &cause);
    *is = text != NULL;
    if (cause)
        g_propagate_error(error, cause);
    return !cause;
}

bool script_model_is_default(const struct model_objects *objects, const json_t *container)
{
    static const char *const functions[] = {"model_fn",  "input_fn",     "predict_fn",
                                            "output_fn", "transform_fn", "import *"};
    g_autofree char *text = script_text(objects, container, NULL);
    for (size_t i = 0; text && i < G_N_ELEMENTS(functions); i++)
        if (strstr(text, functions[i]))
            return false;
    return text != NULL;
}

/* ---- its folder ---- */

static bool unpack(const struct model_place *place, const char *uri, const char *folder,
                   GError **error)
{
    g_autoptr(GBytes) archive = fetch(&place->objects, uri, error);
    if (!archive)
        return false;
    if (archive_unpack(archive, folder, error))
        return true;
    g_prefix_error(error, "%s: ", uri);
    return false;
}

/* Whose defaults hold, by the image's repository (lathe_serving.py). */
static const char *defaults_of(const json_t *container)
{
    const char *image = json_text_at(container, "Image");
    if (image && strstr(image, "scikit-learn"))
        return "sklearn";
    return image && strstr(image, "xgboost") ? "xgboost" : "toolkit";
}

static json_t *environment_of(const struct model_place *place, const struct model_part *part)
{
    json_t *environment = json_object();
    json_object_update(environment, json_object_get(place->sandbox, "Environment"));
    json_object_set_new(environment, "SM_MODEL_DIR", json_string("/opt/ml/model"));
    json_object_update(environment, json_object_get(part->container, "Environment"));
    json_object_set_new(environment, "LATHE_SERVING", json_string(defaults_of(part->container)));
    return environment;
}

/* What `lathe job serve` reads. */
static bool write_settings(const struct model_place *place, const struct model_part *part,
                           const char *folder, GError **error)
{
    g_autoptr(json_auto) settings = json_copy((json_t *)place->sandbox);
    json_object_set_new(settings, "Environment", environment_of(place, part));
    json_object_set_new(settings, "Overlaid", json_pack("[ss]", "model", "code"));
    g_autofree char *text = json_text_of(settings);
    g_autofree char *own = g_build_filename(folder, ".lathe", NULL);
    g_autofree char *path = g_build_filename(own, "sandbox.json", NULL);
    return file_make_folders(own, error) && g_file_set_contents(path, text, -1, error);
}

static bool lay_out(const struct model_place *place, const struct model_part *part,
                    const char *folder, GError **error)
{
    g_autofree char *model = g_build_filename(folder, "model", NULL);
    g_autofree char *code = g_build_filename(folder, "code", NULL);
    const char *data = json_text_at(part->container, "ModelDataUrl");
    const char *source = setting(part->container, SOURCE);
    return file_make_folders(model, error) && file_make_folders(code, error) &&
           (!data || unpack(place, data, model, error)) &&
           (!source || !s3_uri_is(source) || unpack(place, source, code, error)) &&
           write_settings(place, part, folder, error);
}

/* ---- its log ---- */

struct script_model {
    struct served_model *workers;
    char *folder;
    pthread_mutex_t lock; /* of the log: a writer, and several processes */
    struct model_logs logs;
    void *log;
    char *last_line;
};

static void write_line(unsigned process, const char *line, size_t size, void *data)
{
    (void)process;
    struct script_model *model = data;
    if (!size)
        return;
    pthread_mutex_lock(&model->lock);
    model->logs.write(model->log, line, size);
    g_free(model->last_line);
    model->last_line = g_utf8_make_valid(line, (gssize)MIN(size, LONGEST_REASON));
    pthread_mutex_unlock(&model->lock);
}

/* VARIANT/INSTANCE, and of several containers /CONTAINER; the instance is another each time. */
static void *open_log(const struct model_place *place, const struct model_part *part,
                      GError **error)
{
    g_autofree char *id = id_hex(17);
    g_autofree char *stream =
        g_strdup_printf("%s/i-%s%s%s", place->variant ? place->variant : "batch", id,
                        part->hostname ? "/" : "", part->hostname ? part->hostname : "");
    return place->logs.open(place->logs.data, place->endpoint, stream, error);
}

/* ---- its processes ---- */

static unsigned number_of(const json_t *container, const char *name, unsigned missing)
{
    const char *text = setting(container, name);
    guint64 number;
    return text && g_ascii_string_to_unsigned(text, 10, 1, 3600, &number, NULL) ? (unsigned)number
                                                                                : missing;
}

/* As the containers do: of one model as many as there are cores, of each of several one. */
static unsigned count_of(const struct model_part *part)
{
    static const char one[] = "SAGEMAKER_MODEL_SERVER_WORKERS",
                      many[] = "SAGEMAKER_NUM_MODEL_WORKERS";
    unsigned usual = part->one_of_many ? 1 : g_get_num_processors();
    return MIN(number_of(part->container, part->one_of_many ? many : one, usual), MOST_WORKERS);
}

#define NAME "the script"

static struct served_model *start(struct script_model *model, const struct model_place *place,
                                  const struct model_part *part, GError **error)
{
    char self[] = "/proc/self/exe", verb[] = "job", program[] = "serve";
    char *argv[] = {self, verb, program, model->folder, NULL};
    g_autoptr(GStrvBuilder) variables = process_environment(NULL);
    g_auto(GStrv) environment = g_strv_builder_end(variables);
    unsigned most = place->call_seconds ? place->call_seconds : CALL_SECONDS;
    unsigned seconds = number_of(part->container, "SAGEMAKER_MODEL_SERVER_TIMEOUT", most);
    struct workers_plan plan = {.name = NAME,
                                .argv = argv,
                                .environment = environment,
                                .folder = model->folder,
                                .count = count_of(part),
                                .waiting = WAITING,
                                .start_seconds = part->one_of_many ? CALL_SECONDS : START_SECONDS,
                                .call_seconds = MIN(seconds, most),
                                .warm = true,
                                .log = write_line,
                                .data = model};
    return worker_model_open(&plan, &place->wait, error);
}

/* ---- as a model ---- */

static bool answer(void *data, const struct invocation *invocation, struct invocation_reply *reply,
                   GError **error)
{
    return served_model_answer(((struct script_model *)data)->workers, invocation, reply, error);
}

static void end(void *data)
{
    served_model_end(((struct script_model *)data)->workers);
}

static void close_model(void *data)
{
    struct script_model *model = data;
    served_model_unref(model->workers);
    if (model->log)
        model->logs.close(model->log);
    file_remove_tree(model->folder, NULL);
    pthread_mutex_destroy(&model->lock);
    g_free(model->last_line);
    g_free(model->folder);
    g_free(model);
}

/* Where the script failed, in SageMaker's words, and with the script's own: what it raised, or the
 * last that it wrote. */
static void tell_failure(const struct script_model *model, const struct model_place *place,
                         GError **error)
{
    const char *words = (*error)->message, *last = model->last_line;
    static const char check[] = "did not pass the ping health check";
    if (g_str_has_prefix(words, NAME ": "))
        words += strlen(NAME ": ");
    bool said = !last || !g_str_has_prefix(words, "its process ended");
    g_autofree char *why =
        g_strdup_printf("%s%s%s", words, said ? "" : "; its last line: ", said ? "" : last);
    g_autofree char *told =
        place->variant
            ? g_strdup_printf("The primary container for production variant %s %s: %s. Please "
                              "check CloudWatch logs for this endpoint.",
                              place->variant, check, why)
            : g_strdup_printf("The model's container %s: %s", check, why);
    g_clear_error(error);
    error_set(error, ERROR_VALIDATION, "%s", told);
}

struct served_model *script_model_open(const struct model_place *place,
                                       const struct model_part *part, GError **error)
{
    static const struct served_model_kind kind = {
        .answer = answer,
        .close = close_model,
        .end = end,
        .quick_bytes = WORKER_QUICK_BYTES,
        .waits = true,
    };
    struct script_model *model = g_new0(struct script_model, 1);
    g_autofree char *id = id_hex(17);
    model->folder = g_build_filename(place->folder, id, NULL);
    model->logs = place->logs;
    pthread_mutex_init(&model->lock, NULL);
    GError *cause = NULL;
    if (lay_out(place, part, model->folder, error) && (model->log = open_log(place, part, error)) &&
        !(model->workers = start(model, place, part, &cause))) {
        tell_failure(model, place, &cause);
        g_propagate_error(error, cause);
    }
    if (model->workers)
        return served_model_new(&kind, model);
    close_model(model);
    return NULL;
}
