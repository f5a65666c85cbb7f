#include <stdio.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"
#include "lake/lake.h"
#include "service/lathe.h"
#include "wire/local.h"

static json_t *list_of(const struct kind *kind, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{sssssi}", "SortBy", "CreationTime", "SortOrder",
                                             "Descending", "MaxResults", 10);
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
        g_autofree char *time = clock_iso(json_number_at(entry, "CreationTime", 0));
        printf("  %-12s %s  %s\n", json_text_at(entry, kind->status), time,
               json_text_at(entry, kind->name));
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

/* Adds what lies aside in the lake. */
static void add_aside(json_t *all)
{
    g_autofree char *folder = g_build_filename(json_text_at(all, "Home"), "lake", NULL);
    struct lake_aside aside = lake_aside(folder);
    json_object_set_new(
        all, "LakeAside",
        json_pack("{sIsI}", "Files", (json_int_t)aside.files, "Bytes", (json_int_t)aside.bytes));
}

static void print_aside(const json_t *all)
{
    const json_t *aside = json_object_get(all, "LakeAside");
    gint64 files = json_integer_at(aside, "Files", 0);
    if (files)
        printf("lake/aside holds %" G_GINT64_FORMAT " files that no object names, %" G_GINT64_FORMAT
               " bytes; each is removed after seven days\n",
               files, json_integer_at(aside, "Bytes", 0));
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
    add_aside(all);
    if (as_json) {
        json_dumpf(all, stdout, JSON_INDENT(2));
        putchar('\n');
        return CLI_OK;
    }
    const char *url = json_text_at(all, "Url");
    printf("lathe serves %s from %s (process %lld)\n", url ? url : "a workflow",
           json_text_at(all, "Home"), (long long)json_integer_at(all, "ProcessId", 0));
    print_aside(all);
    for (size_t i = 0; (kind = next_table(&i));)
        print_table(kind, json_object_get(all, kind->summaries));
    return CLI_OK;
}
