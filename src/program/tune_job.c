#include "program/tune_job.h"

#include <lapacke.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "base/library.h"
#include "tune/bayesian.h"
#include "worker/serve.h"

/* Debian's package liblapacke. */
#define LAPACK "liblapacke.so.3"

/* What is loaded is declared in gp.h, which knows no LAPACK. */
_Static_assert(GP_COLUMNS_FIRST == LAPACK_COL_MAJOR, "the layout of matrices");
_Static_assert(_Generic(&LAPACKE_dpotrf, int (*)(int, char, int, double *, int) : 1, default : 0),
               "integers of 32 bits");

static bool load_lapack(struct gp_lapack *lapack, GError **error)
{
    static const struct library_symbol symbols[] = {
        {"LAPACKE_dpotrf", offsetof(struct gp_lapack, cholesky)},
        {"LAPACKE_dpotri", offsetof(struct gp_lapack, inverse)},
        {"LAPACKE_dpotrs", offsetof(struct gp_lapack, solve)},
        {"LAPACKE_dtrtrs", offsetof(struct gp_lapack, solve_half)},
    };
    return library_load(LAPACK, symbols, G_N_ELEMENTS(symbols), lapack, "LAPACK's C interface",
                        error) != NULL;
}

/* ---- a study, read ---- */

static struct tune_parameter read_parameter(const json_t *json)
{
    return (struct tune_parameter){
        .kind = (enum tune_kind)json_integer_at(json, "Kind", 0),
        .scaling = (enum tune_scaling)json_integer_at(json, "Scaling", 0),
        .low = json_number_at(json, "Low", 0),
        .high = json_number_at(json, "High", 1),
        .choices = (size_t)json_integer_at(json, "Choices", 1),
    };
}

static void read_trial(struct tune_trial *trial, double *values, size_t count, const json_t *json)
{
    for (size_t i = 0; i < count; i++)
        values[i] = json_number_value(json_array_get(json_object_get(json, "Values"), i));
    *trial = (struct tune_trial){values, json_number_at(json, "Loss", NAN),
                                 json_true_at(json, "Pending")};
}

static json_t *next_of(const json_t *json, const struct gp_lapack *lapack)
{
    const json_t *parameters = json_object_get(json, "Space");
    const json_t *trials = json_object_get(json, "Trials");
    size_t count = json_array_size(parameters), tried = json_array_size(trials);
    g_autofree struct tune_parameter *all = g_new0(struct tune_parameter, count + 1);
    g_autofree struct tune_trial *history = g_new0(struct tune_trial, tried + 1);
    g_autofree double *values = g_new0(double, (tried + 1) * (count + 1));
    for (size_t i = 0; i < count; i++)
        all[i] = read_parameter(json_array_get(parameters, i));
    for (size_t i = 0; i < tried; i++)
        read_trial(&history[i], values + i * count, count, json_array_get(trials, i));
    struct tune_space space = {all, count};
    struct tune_study study = {&space, history, tried, (uint64_t)json_integer_at(json, "Seed", 0)};
    double *next = values + tried * count;
    study_bayesian(&study, lapack, next);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_real(next[i]));
    return json_pack("{so}", "Values", list);
}

/* ---- answering ---- */

static GBytes *answer(struct worker_server *server, GBytes *request, void *data, GError **error)
{
    (void)server;
    gsize size;
    const char *text = g_bytes_get_data(request, &size);
    g_autoptr(json_auto) study = json_parse(text, size, "a study", error);
    if (!study)
        return NULL;
    if (json_array_size(json_object_get(study, "Space")) > TUNE_MOST_PARAMETERS) {
        error_set(error, ERROR_VALIDATION, "a study: more than %d parameters",
                  TUNE_MOST_PARAMETERS);
        return NULL;
    }
    g_autoptr(json_auto) next = next_of(study, data);
    char *reply = json_text_of(next);
    return g_bytes_new_take(reply, strlen(reply));
}

static bool answer_file(const char *folder, struct gp_lapack *lapack, GError **error)
{
    g_autofree char *path = g_build_filename(folder, "study.json", NULL);
    char *text;
    gsize size;
    if (!g_file_get_contents(path, &text, &size, error))
        return false;
    g_autoptr(GBytes) request = g_bytes_new_take(text, size);
    g_autoptr(GBytes) reply = answer(NULL, request, lapack, error);
    if (reply)
        printf("%.*s\n", (int)g_bytes_get_size(reply), (const char *)g_bytes_get_data(reply, NULL));
    return reply != NULL;
}

int tune_main(const char *folder, int report)
{
    struct gp_lapack lapack;
    g_autoptr(GError) error = NULL;
    if (load_lapack(&lapack, &error)) {
        if (report >= 0)
            return worker_serve(answer, &lapack);
        if (answer_file(folder, &lapack, &error))
            return 0;
    }
    fprintf(stderr, "tune: %s\n", error->message);
    return 1;
}
