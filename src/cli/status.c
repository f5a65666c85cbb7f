#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
#include "service/home.h"
#include "wire/local.h"

enum { SHOWN = 10 };

static double time_of(const json_t *entry)
{
    return json_number_at(entry, "CreationTime", json_number_at(entry, "StartedOn", 0));
}

static int newer_first(const void *a, const void *b)
{
    double x = time_of(*(json_t *const *)a), y = time_of(*(json_t *const *)b);
    return (x < y) - (x > y);
}

static json_t *newest(const json_t *all)
{
    size_t count = json_array_size(all);
    g_autofree json_t **sorted = g_new(json_t *, count + 1);
    json_t *shown = json_array();
    for (size_t i = 0; i < count; i++)
        sorted[i] = json_array_get(all, i);
    qsort(sorted, count, sizeof *sorted, newer_first);
    for (size_t i = 0; i < MIN(count, SHOWN); i++)
        json_array_append(shown, sorted[i]);
    return shown;
}

/* Of what is listed only beside the name of what it belongs to. */
static json_t *list_below(const struct kind *kind, GError **error)
{
    g_autoptr(json_auto) parents = cli_parents(kind, error);
    g_autoptr(json_auto) all = json_array();
    size_t i;
    const json_t *parent;
    json_array_foreach(parents, i, parent)
    {
        g_autoptr(json_auto) request =
            json_pack("{sOsi}", kind->parent, parent, "MaxResults", SHOWN);
        g_autoptr(json_auto) output = cli_ask(kind->service, kind->list, request, NULL);
        json_array_extend(all, json_object_get(output, kind->summaries));
    }
    return parents ? newest(all) : NULL;
}

static json_t *list_of(const struct kind *kind, GError **error)
{
    if (kind->parents)
        return list_below(kind, error);
    g_autoptr(json_auto) request = json_pack("{sssssi}", "SortBy", "CreationTime", "SortOrder",
                                             "Descending", "MaxResults", SHOWN);
    g_autoptr(json_auto) output = cli_ask(kind->service, kind->list, request, error);
    return json_incref(json_object_get(output, kind->summaries));
}

static void print_table(const struct kind *kind, const json_t *list)
{
    if (!json_array_size(list))
        return;
    printf("\n%s (newest first)\n", kind->title);
    size_t i;
    const json_t *entry;
    json_array_foreach((json_t *)list, i, entry)
    {
        const char *parent = kind->parents ? json_text_at(entry, kind->parent) : NULL;
        g_autofree char *time = clock_iso(time_of(entry));
        printf("  %-12s %s  %s%s%s\n", json_text_at(entry, kind->status), time,
               parent ? parent : "", parent ? "  " : "", json_text_at(entry, kind->name));
    }
}

/* The next kind that has a table here, from *at on. */
static const struct kind *next_table(size_t *at)
{
    const struct kind *kind;
    while ((kind = kind_at(services, (*at)++)) && !kind->title)
        continue;
    return kind;
}

/* ---- sizes ---- */

/* What grows below the home folder, and what makes it smaller. */
static const struct {
    const char *path, *text;
} growing[] = {
    {"meta.db", "resources, small objects, metrics"},
    {"lake", "objects above 64 KiB"},
    {"lake/aside", "files that no object names; each is removed after seven days"},
    {"cache", "files for jobs; may be removed at any time"},
    {"streams", "records of delivery streams, until they are in the lake"},
    {"data-streams", "records of data streams, for as long as each keeps them"},
    {"logs", "log groups, as long as their retention says"},
    {"jobs", "folders of jobs that run"},
};

static json_t *size_of(const char *home, const char *name)
{
    g_autofree char *path = g_build_filename(home, name, NULL);
    struct file_sum sum = file_sum(path);
    if (strcmp(name, "lake") == 0) { /* what lies aside is told apart */
        g_autofree char *aside = g_build_filename(path, "aside", NULL);
        struct file_sum part = file_sum(aside);
        sum.files -= MIN(part.files, sum.files);
        sum.bytes -= MIN(part.bytes, sum.bytes);
    }
    return json_pack("{sssIsI}", "Path", name, "Files", (json_int_t)sum.files, "Bytes",
                     (json_int_t)sum.bytes);
}

static void add_sizes(json_t *all)
{
    json_t *sizes = json_array();
    for (size_t i = 0; i < G_N_ELEMENTS(growing); i++)
        json_array_append_new(sizes, size_of(json_text_at(all, "Home"), growing[i].path));
    json_object_set_new(all, "Sizes", sizes);
}

static void print_sizes(const json_t *all)
{
    size_t i;
    const json_t *size;
    json_array_foreach(json_object_get(all, "Sizes"), i, size)
    {
        g_autofree char *bytes =
            g_format_size_full((guint64)json_integer_at(size, "Bytes", 0), G_FORMAT_SIZE_IEC_UNITS);
        printf("  %-10s  %10s  %6" G_GINT64_FORMAT " files  %s\n", growing[i].path, bytes,
               (gint64)json_integer_at(size, "Files", 0), growing[i].text);
    }
}

int cli_status(int argc, char **argv)
{
    gboolean as_json = FALSE;
    const GOptionEntry options[] = {
        {"json", 0, 0, G_OPTION_ARG_NONE, &as_json, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    GError *error = NULL;
    g_autoptr(json_auto) ask = json_pack("{sb}", "About", 1);
    g_autoptr(json_auto) about = local_ask(cli_home(), ask, &error);
    if (!about)
        return cli_error(error);
    g_autoptr(json_auto) all = json_deep_copy(json_object_get(about, "Output"));
    const struct kind *kind;
    for (size_t i = 0; (kind = next_table(&i));) {
        json_t *list = list_of(kind, &error);
        if (!list)
            return cli_error(error);
        json_object_set_new(all, kind->summaries, list);
    }
    add_sizes(all);
    if (as_json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        return CLI_OK;
    }
    const char *url = json_text_at(all, "Url");
    printf("lathe serves %s from %s (process %lld)\n", url ? url : "a workflow",
           json_text_at(all, "Home"), (long long)json_integer_at(all, "ProcessId", 0));
    print_sizes(all);
    for (size_t i = 0; (kind = next_table(&i));)
        print_table(kind, json_object_get(all, kind->summaries));
    return CLI_OK;
}
