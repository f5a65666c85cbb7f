/* What addresses and local files hold, into a bucket: brought whole by this process, then stored.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/s3_uri.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/run.h"
#include "fetch/fetch.h"
#include "fetch/http.h"
#include "program/fetch_list.h"
#include "runtime/settings.h"
#include "wire/local.h"

#define FRAME_SECONDS 0.1
#define BAR 30
#define PART ((gint64)32 << 20) /* of an object; the local door takes 48 MiB at once */

struct fetch_run {
    struct fetch_list *list;
    char *bucket, *prefix;
    char *folder;         /* of this run, in the home's cache */
    GPtrArray *allow;     /* NULL-terminated */
    guint64 files, bytes; /* stored */
    double began, drawn;
    guint index; /* whose bar is drawn */
    bool bar;
};

/* ---- the bar ---- */

static void clear_bar(const struct fetch_run *run)
{
    if (run->bar)
        fprintf(stderr, "\r\033[K");
}

static void draw(struct fetch_run *run, const char *name, gint64 here, gint64 total)
{
    double now = clock_monotonic();
    if (!run->bar || (now - run->drawn < FRAME_SECONDS && here != total))
        return;
    run->drawn = now;
    double part = total > 0 ? CLAMP((double)here / (double)total, 0, 1) : 0;
    double rate = (double)here / MAX(now - run->began, 0.001);
    g_autofree char *speed = g_format_size_full((guint64)rate, G_FORMAT_SIZE_IEC_UNITS);
    g_autofree char *bytes = g_format_size_full((guint64)here, G_FORMAT_SIZE_IEC_UNITS);
    char done[BAR + 1];
    memset(done, '#', BAR);
    done[(int)(part * BAR)] = '\0';
    fprintf(stderr, "\r\033[K[%-*s] %3.0f %%  %s  %s/s  %.40s", BAR, done, part * 100, bytes, speed,
            name);
    fflush(stderr);
}

static void moves(const struct fetch_file *file, guint index, gint64 here, gint64 total, void *data)
{
    struct fetch_run *run = data;
    if (index != run->index)
        run->began = clock_monotonic();
    run->index = index;
    g_autofree char *shown = http_shown(file->source);
    g_autofree char *name = g_path_get_basename(shown);
    g_autofree char *which = g_strdup_printf("%u/%u %s", index + 1, run->list->files->len, name);
    draw(run, which, here, total);
}

static void says(const char *line, void *data)
{
    clear_bar(data);
    printf("%s\n", line);
    fflush(stdout);
}

/* ---- the list ---- */

static bool read_list(struct fetch_run *run, const char *path, GError **error)
{
    g_autofree char *text = NULL;
    gsize size;
    if (!path) {
        run->list = fetch_list_new();
        return true;
    }
    if (!g_file_get_contents(path, &text, &size, error))
        return false;
    g_autofree char *folder = g_path_get_dirname(path);
    g_autofree char *base = g_canonicalize_filename(folder, NULL);
    g_autoptr(json_auto) specification = yaml_parse(text, size, path, error);
    if (!specification)
        return false;
    if (!json_is_object(specification))
        return error_set(error, ERROR_VALIDATION, "%s: a mapping with files is needed", path);
    run->list = fetch_list_read(specification, path, base, error);
    return run->list != NULL;
}

static bool take_sources(struct fetch_run *run, char **sources, int count, bool decompress,
                         GError **error)
{
    g_autofree char *here = g_get_current_dir();
    for (int i = 0; i < count; i++) {
        struct fetch_file *file = fetch_list_take(run->list, sources[i], here, error);
        g_autofree char *name = g_strndup(sources[i], strcspn(sources[i], "?#"));
        if (!file)
            return false;
        file->form = decompress ? fetch_form_of(name) : FETCH_PLAIN;
    }
    return fetch_list_check(run->list, error);
}

/* The hosts that the caller names, and those that the home lists. */
static bool gather_rules(struct fetch_run *run, GError **error)
{
    struct settings *settings = settings_read(cli_home(), NULL, error);
    if (!settings)
        return false;
    for (char **entry = settings->fetch_allow; *entry; entry++)
        g_ptr_array_add(run->allow, g_strdup(*entry));
    settings_free(settings);
    for (guint i = 0; i < run->list->files->len; i++) {
        const struct fetch_file *file = g_ptr_array_index(run->list->files, i);
        char *place = file->is_local ? NULL : http_place(file->source);
        if (place)
            g_ptr_array_add(run->allow, place);
    }
    g_ptr_array_add(run->allow, NULL);
    return true;
}

/* ---- storing ---- */

static json_t *object_of(const struct fetch_run *run, const char *key)
{
    return json_pack("{ssss}", "Bucket", run->bucket, "Key", key);
}

static bool ask(const char *operation, const json_t *request, GBytes *body, json_t **output,
                GError **error)
{
    json_t *reply = local_call(cli_home(), "s3", operation, request, body, NULL, error);
    if (output)
        *output = reply;
    else
        json_decref(reply);
    return reply != NULL;
}

static GBytes *read_part(int fd, gint64 size, const char *path, GError **error)
{
    g_autofree char *bytes = g_malloc((gsize)MAX(size, 1));
    gint64 taken = 0;
    ssize_t n = 1;
    while (taken < size && (n = read(fd, bytes + taken, (size_t)(size - taken))) > 0)
        taken += n;
    if (taken == size)
        return g_bytes_new_take(g_steal_pointer(&bytes), (gsize)size);
    error_set_errno(error, n < 0 ? errno : EIO, "reading %s", path);
    return NULL;
}

struct storing {
    struct fetch_run *run;
    const char *path, *key;
    int fd;
    gint64 size;
};

static bool put_whole(const struct storing *storing, GError **error)
{
    g_autoptr(GBytes) bytes = read_part(storing->fd, storing->size, storing->path, error);
    g_autoptr(json_auto) request = object_of(storing->run, storing->key);
    return bytes && ask("PutObject", request, bytes, NULL, error);
}

static bool put_parts(const struct storing *storing, const char *upload, json_t *parts,
                      GError **error)
{
    for (gint64 at = 0, number = 1; at < storing->size; at += PART, number++) {
        gint64 size = MIN(PART, storing->size - at);
        g_autoptr(GBytes) bytes = read_part(storing->fd, size, storing->path, error);
        g_autoptr(json_auto) request = object_of(storing->run, storing->key);
        g_autoptr(json_auto) output = NULL;
        json_object_set_new(request, "UploadId", json_string(upload));
        json_object_set_new(request, "PartNumber", json_integer(number));
        if (!bytes || !ask("UploadPart", request, bytes, &output, error))
            return false;
        json_array_append_new(parts, json_pack("{sIss}", "PartNumber", (json_int_t)number, "ETag",
                                               json_text_at(output, "ETag")));
        draw(storing->run, storing->key, at + size, storing->size);
    }
    return true;
}

static bool put_large(const struct storing *storing, GError **error)
{
    g_autoptr(json_auto) request = object_of(storing->run, storing->key);
    g_autoptr(json_auto) created = NULL;
    g_autoptr(json_auto) parts = json_array();
    if (!ask("CreateMultipartUpload", request, NULL, &created, error))
        return false;
    const char *upload = json_text_at(created, "UploadId");
    json_object_set_new(request, "UploadId", json_string(upload));
    bool put = put_parts(storing, upload, parts, error);
    if (!put) {
        ask("AbortMultipartUpload", request, NULL, NULL, NULL);
        return false;
    }
    json_object_set_new(request, "MultipartUpload", json_pack("{sO}", "Parts", parts));
    return ask("CompleteMultipartUpload", request, NULL, NULL, error);
}

static bool store_file(const char *path, const char *name, void *data, GError **error)
{
    struct fetch_run *run = data;
    struct stat status;
    g_autofree char *key = g_strconcat(run->prefix, name, NULL);
    struct storing storing = {run, path, key, open(path, O_RDONLY | O_CLOEXEC), 0};
    if (storing.fd < 0 || fstat(storing.fd, &status) != 0)
        return error_set_errno(error, errno, "opening %s", path);
    storing.size = (gint64)status.st_size;
    run->began = clock_monotonic();
    bool stored = storing.size > PART ? put_large(&storing, error) : put_whole(&storing, error);
    close(storing.fd);
    run->files += stored;
    run->bytes += stored ? (guint64)storing.size : 0;
    return stored;
}

/* ---- the verb ---- */

/* Before anything is brought for nothing. */
static bool check_bucket(const struct fetch_run *run, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{ss}", "Bucket", run->bucket);
    run_make_bucket(run->bucket);
    g_autoptr(json_auto) present = cli_ask("s3", "HeadBucket", request, error);
    return present != NULL;
}

static bool fetch(struct fetch_run *run, GError **error)
{
    g_autofree char *home = g_canonicalize_filename(cli_home(), NULL);
    g_autofree char *cache = g_build_filename(home, "cache", "fetch", NULL);
    g_autofree char *random = id_hex(16);
    run->folder = g_strdup_printf("%s/run-%s", cache, random);
    g_autofree char *output = g_build_filename(run->folder, "output", NULL);
    g_autofree char *scratch = g_build_filename(run->folder, "scratch", NULL);
    const struct fetch_place place = {.output = output,
                                      .scratch = scratch,
                                      .cache = cache,
                                      .rules = {.allow = (const char *const *)run->allow->pdata},
                                      .view = {says, moves, run}};
    bool done = fetch_all(run->list, &place, error) && file_each(output, store_file, run, error);
    clear_bar(run);
    file_remove_tree(run->folder, NULL);
    return done;
}

static int tell_end(const struct fetch_run *run, bool done, GError *error)
{
    g_autofree char *bytes = g_format_size_full(run->bytes, G_FORMAT_SIZE_IEC_UNITS);
    if (done || run->files)
        printf("%" G_GUINT64_FORMAT " file%s (%s) stored at s3://%s/%s\n", run->files,
               run->files == 1 ? "" : "s", bytes, run->bucket, run->prefix);
    return done ? CLI_OK : cli_error(error);
}

/* A prefix is one with its slash. */
static bool take_target(struct fetch_run *run, const char *uri, GError **error)
{
    g_autofree char *key = NULL;
    if (!s3_uri_parse(uri, &run->bucket, &key, error))
        return false;
    run->prefix = g_strconcat(key, !*key || g_str_has_suffix(key, "/") ? "" : "/", NULL);
    return true;
}

int cli_fetch(int argc, char **argv)
{
    g_autofree char *list = NULL;
    gboolean decompress = FALSE;
    const GOptionEntry options[] = {
        {"list", 0, 0, G_OPTION_ARG_FILENAME, &list, NULL, NULL},
        {"decompress", 0, 0, G_OPTION_ARG_NONE, &decompress, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc < (list ? 2 : 3) || !s3_uri_is(argv[argc - 1])) {
        fprintf(stderr, "lathe fetch: addresses or files, and where they go, are needed, such as\n"
                        "  lathe fetch https://files.example.org/2008.csv s3://rows/flights/\n");
        return CLI_USAGE;
    }
    struct fetch_run run = {.allow = g_ptr_array_new_with_free_func(g_free),
                            .index = G_MAXUINT,
                            .bar = isatty(STDERR_FILENO)};
    GError *error = NULL;
    bool done = take_target(&run, argv[argc - 1], &error) && read_list(&run, list, &error) &&
                take_sources(&run, argv + 1, argc - 2, decompress, &error) &&
                check_bucket(&run, &error) && gather_rules(&run, &error) && fetch(&run, &error);
    int code = tell_end(&run, done, error);
    fetch_list_free(run.list);
    g_ptr_array_unref(run.allow);
    g_free(run.bucket);
    g_free(run.prefix);
    g_free(run.folder);
    return code;
}
