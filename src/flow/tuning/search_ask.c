/* What a tuning job tries next, where finding that takes long: asked of a process of its own. */
#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/process.h"
#include "flow/tuning/search.h"
#include "flow/tuning/trial.h"
#include "worker/workers.h"

enum { CALL_SECONDS = 300, IDLE_SECONDS = 20 };

/* ---- the process ---- */

static char **environment_of(void)
{
    g_autoptr(GStrvBuilder) environment = process_environment(NULL);
    g_autofree char *report = g_strdup_printf("LATHE_REPORT_FD=%d", PROCESS_REPORT);
    g_strv_builder_add(environment, report);
    return g_strv_builder_end(environment);
}

static struct workers *open_pool(GError **error)
{
    char self[] = "/proc/self/exe", verb[] = "job", program[] = "tune", folder[] = "/";
    char *argv[] = {self, verb, program, folder, NULL};
    g_auto(GStrv) environment = environment_of();
    struct workers_plan plan = {.name = "the search of hyperparameters",
                                .argv = argv,
                                .environment = environment,
                                .folder = folder,
                                .count = 1,
                                .waiting = 1,
                                .call_seconds = CALL_SECONDS,
                                .idle_seconds = IDLE_SECONDS};
    return workers_open(&plan, error);
}

/* ---- the question ---- */

static json_t *space_of(const struct tune_space *space)
{
    json_t *list = json_array();
    for (size_t i = 0; i < space->count; i++) {
        const struct tune_parameter *parameter = &space->parameters[i];
        json_array_append_new(list, json_pack("{sisisfsfsI}", "Kind", (int)parameter->kind,
                                              "Scaling", (int)parameter->scaling, "Low",
                                              parameter->low, "High", parameter->high, "Choices",
                                              (json_int_t)parameter->choices));
    }
    return list;
}

static json_t *trial_of(const struct tune_trial *trial, size_t count)
{
    json_t *values = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(values, json_real(trial->values[i]));
    json_t *json = json_pack("{sosb}", "Values", values, "Pending", trial->pending);
    if (isfinite(trial->loss))
        json_object_set_new(json, "Loss", json_real(trial->loss));
    return json;
}

static GBytes *question_of(const struct tune_study *study)
{
    json_t *trials = json_array();
    for (size_t i = 0; i < study->count; i++)
        json_array_append_new(trials, trial_of(&study->trials[i], study->space->count));
    g_autoptr(json_auto) question =
        json_pack("{sososI}", "Space", space_of(study->space), "Trials", trials, "Seed",
                  (json_int_t)(study->seed & G_MAXINT64));
    char *text = json_text_of(question);
    return g_bytes_new_take(text, strlen(text));
}

/* ---- the errand ---- */

struct asking {
    struct workers *workers; /* the search's, which does not end before this is back */
    guint definition;
    GBytes *question, *answer;
    GError *error;
};

static void run(void *data)
{
    struct asking *asking = data;
    asking->answer = workers_call(asking->workers, asking->question, &asking->error);
}

static bool read_answer(struct asking *asking, double *values, size_t count)
{
    gsize size = 0;
    const char *text = asking->answer ? g_bytes_get_data(asking->answer, &size) : NULL;
    g_autoptr(json_auto) answer =
        text ? json_parse(text, size, "the search's answer", &asking->error) : NULL;
    const json_t *list = json_object_get(answer, "Values");
    for (size_t i = 0; i < count; i++)
        values[i] = json_number_value(json_array_get(list, i));
    return json_array_size(list) == count;
}

static void back(void *state, void *data)
{
    struct search *search = state;
    struct asking *asking = data;
    double values[TUNE_MOST_PARAMETERS];
    size_t count = search->definitions->all[asking->definition].space.count;
    search->asking = false;
    if (search->phase != SEARCH_GOES_ON || search->stop_asked)
        return;
    if (read_answer(asking, values, count)) {
        search_begin(search, asking->definition, values, NULL);
    } else {
        g_warning("the tuning job %s goes on at random: %s", search->resource->name,
                  asking->error ? asking->error->message : "no answer");
        search->asks_in_vain = true;
        search_begin_at_random(search, asking->definition);
    }
}

static void free_asking(void *data)
{
    struct asking *asking = data;
    g_bytes_unref(asking->question);
    if (asking->answer)
        g_bytes_unref(asking->answer);
    g_clear_error(&asking->error);
    g_free(asking);
}

bool search_ask(struct search *search, guint definition, const struct tune_study *study)
{
    static const struct flow_errand errand = {.run = run, .back = back, .free = free_asking};
    g_autoptr(GError) error = NULL;
    if (!search->workers && !search->asks_in_vain)
        search->workers = open_pool(&error);
    if (error)
        g_warning("the tuning job %s goes on at random: %s", search->resource->name,
                  error->message);
    search->asks_in_vain |= !search->workers;
    if (search->asks_in_vain)
        return false;
    struct asking *asking = g_new0(struct asking, 1);
    *asking = (struct asking){
        .workers = search->workers, .definition = definition, .question = question_of(study)};
    search->asking = true;
    flow_send(search->life, &errand, asking);
    return true;
}

void search_stop_asking(struct search *search)
{
    if (search->asking)
        workers_end(search->workers);
}

void search_close(struct search *search)
{
    if (search->workers)
        workers_close(search->workers);
}
