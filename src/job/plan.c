#include "job/plan.h"

#include <string.h>

#include "base/error.h"
#include "base/file.h"

static void free_file(void *data)
{
    struct job_file *file = data;
    g_free(file->path);
    json_decref(file->value);
    g_free(file);
}

static void free_input(void *data)
{
    struct job_input *input = data;
    g_free(input->what);
    g_free(input->folder);
    json_decref(input->source);
    g_free(input);
}

static void free_output(void *data)
{
    struct job_output *output = data;
    g_free(output->what);
    g_free(output->folder);
    g_free(output->uri);
    g_free(output);
}

struct job_plan *job_plan_new(const char *program, const char *image)
{
    struct job_plan *plan = g_new0(struct job_plan, 1);
    plan->program = g_strdup(program);
    plan->image = g_strdup(image);
    plan->files = g_ptr_array_new_with_free_func(free_file);
    plan->inputs = g_ptr_array_new_with_free_func(free_input);
    plan->outputs = g_ptr_array_new_with_free_func(free_output);
    return plan;
}

void job_plan_free(struct job_plan *plan)
{
    if (!plan)
        return;
    g_free(plan->program);
    g_free(plan->image);
    g_free(plan->remark);
    g_ptr_array_unref(plan->files);
    g_ptr_array_unref(plan->inputs);
    g_ptr_array_unref(plan->outputs);
    g_free(plan);
}

void job_plan_file(struct job_plan *plan, const char *path, json_t *value)
{
    struct job_file *file = g_new(struct job_file, 1);
    *file = (struct job_file){g_strdup(path), value};
    g_ptr_array_add(plan->files, file);
}

struct job_input *job_plan_input(struct job_plan *plan, char *what, const char *folder,
                                 const json_t *source)
{
    struct job_input *input = g_new0(struct job_input, 1);
    *input = (struct job_input){
        .what = what, .folder = g_strdup(folder), .source = json_deep_copy(source)};
    g_ptr_array_add(plan->inputs, input);
    return input;
}

struct job_output *job_plan_output(struct job_plan *plan, char *what, const char *folder,
                                   const char *uri)
{
    struct job_output *output = g_new0(struct job_output, 1);
    *output = (struct job_output){.what = what, .folder = g_strdup(folder), .uri = g_strdup(uri)};
    g_ptr_array_add(plan->outputs, output);
    return output;
}

/* ---- checks ---- */

static bool is_or_is_below(const char *path, const char *above)
{
    size_t length = strlen(above);
    return strncmp(path, above, length) == 0 && (!path[length] || path[length] == '/');
}

static bool check_apart(const char *what, const char *folder, const struct job_output *output,
                        GError **error)
{
    if (!is_or_is_below(folder, output->folder) && !is_or_is_below(output->folder, folder))
        return true;
    return error_set(
        error, ERROR_VALIDATION,
        "The places of %s and %s overlap: /opt/ml/%s and /opt/ml/%s. What a job writes "
        "must lie apart from what it reads and from its other outputs.",
        what, output->what, folder, output->folder);
}

static bool check_inside(const char *what, const char *folder, GError **error)
{
    return file_is_inside(folder) ||
           error_set(error, ERROR_VALIDATION, "%s: /opt/ml/%s is no place below /opt/ml.", what,
                     folder);
}

static bool check_output(const struct job_plan *plan, guint index, GError **error)
{
    const struct job_output *output = g_ptr_array_index(plan->outputs, index);
    if (!check_inside(output->what, output->folder, error))
        return false;
    for (guint i = 0; i < plan->inputs->len && output->when != JOB_OUTPUT_COMES; i++) {
        const struct job_input *input = g_ptr_array_index(plan->inputs, i);
        if (!check_apart(input->what, input->folder, output, error))
            return false;
    }
    for (guint i = 0; i < index; i++) {
        const struct job_output *other = g_ptr_array_index(plan->outputs, i);
        if (!check_apart(other->what, other->folder, output, error))
            return false;
    }
    return true;
}

bool job_plan_check(const struct job_plan *plan, GError **error)
{
    for (guint i = 0; i < plan->files->len; i++) {
        const struct job_file *file = g_ptr_array_index(plan->files, i);
        if (!check_inside("a file", file->path, error))
            return false;
    }
    for (guint i = 0; i < plan->inputs->len; i++) {
        const struct job_input *input = g_ptr_array_index(plan->inputs, i);
        if (!check_inside(input->what, input->folder, error))
            return false;
    }
    for (guint i = 0; i < plan->outputs->len; i++)
        if (!check_output(plan, i, error))
            return false;
    return true;
}
