/* Files into a delivery stream, each line a record. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "cli/cli.h"

/* What PutRecordBatch takes at once. */
#define MOST_RECORDS 500
#define MOST_BYTES ((size_t)4 << 20)
#define LONGEST ((size_t)1000 << 10)

#define TRIES 12 /* in a row without a record accepted */
#define FRAME_SECONDS 0.1
#define BAR 30

struct publishing {
    const char *stream;
    bool skip_headers;
    json_t *records; /* gathered: [{"Data": base64}] */
    size_t gathered; /* their bytes */
    guint64 count;   /* of records accepted */
    gint64 read, total;
    double began, drawn;
    bool bar;
};

/* ---- the bar ---- */

static void draw(struct publishing *publishing, bool at_once)
{
    double now = clock_monotonic();
    if (!publishing->bar || (!at_once && now - publishing->drawn < FRAME_SECONDS))
        return;
    publishing->drawn = now;
    double part =
        publishing->total ? CLAMP((double)publishing->read / (double)publishing->total, 0, 1) : 1;
    double rate = (double)publishing->read / MAX(now - publishing->began, 0.001);
    g_autofree char *speed = g_format_size_full((guint64)rate, G_FORMAT_SIZE_IEC_UNITS);
    char done[BAR + 1];
    memset(done, '#', BAR);
    done[(int)(part * BAR)] = '\0';
    fprintf(stderr, "\r\033[K[%-*s] %3.0f %%  %" G_GUINT64_FORMAT " records  %s/s", BAR, done,
            part * 100, publishing->count, speed);
    fflush(stderr);
}

/* ---- putting ---- */

/* Leaves those that were not accepted. */
static void keep_refused(struct publishing *publishing, const json_t *responses)
{
    g_autoptr(json_auto) sent = publishing->records;
    publishing->records = json_array();
    for (size_t i = 0; i < json_array_size(sent); i++) {
        if (json_text_at(json_array_get(responses, i), "ErrorCode"))
            json_array_append(publishing->records, json_array_get(sent, i));
        else
            publishing->count++;
    }
}

static bool send_once(struct publishing *publishing, GError **error)
{
    g_autoptr(json_auto) request = json_pack("{sssO}", "DeliveryStreamName", publishing->stream,
                                             "Records", publishing->records);
    g_autoptr(json_auto) output = cli_ask("firehose", "PutRecordBatch", request, error);
    if (output)
        keep_refused(publishing, json_object_get(output, "RequestResponses"));
    return output != NULL;
}

/* Where the stream has no room it is waited for, longer each time. */
static bool send(struct publishing *publishing, GError **error)
{
    for (unsigned tried = 0; json_array_size(publishing->records);) {
        guint64 before = publishing->count;
        GError *cause = NULL;
        bool sent = send_once(publishing, &cause);
        tried = publishing->count > before ? 0 : tried + 1;
        bool back_off = sent || g_error_matches(cause, LATHE_ERROR, ERROR_BACK_OFF);
        if (!back_off || (!sent && tried == TRIES)) {
            g_propagate_error(error, cause);
            return false;
        }
        g_clear_error(&cause);
        if (sent && tried == TRIES)
            return error_set(error, ERROR_BACK_OFF, "the stream %s has no room for more records",
                             publishing->stream);
        if (json_array_size(publishing->records))
            g_usleep(MIN(100000UL << tried, 5000000UL));
    }
    publishing->gathered = 0;
    draw(publishing, false);
    return true;
}

static bool add(struct publishing *publishing, const GByteArray *line, GError **error)
{
    bool full = json_array_size(publishing->records) == MOST_RECORDS ||
                publishing->gathered + line->len > MOST_BYTES;
    if (full && !send(publishing, error))
        return false;
    g_autofree char *data = g_base64_encode(line->data, line->len);
    json_array_append_new(publishing->records, json_pack("{ss}", "Data", data));
    publishing->gathered += line->len;
    publishing->read += line->len;
    return true;
}

/* ---- reading ---- */

/* The next line with its newline; false at the end, or where it is too long for a record. */
static bool read_line(FILE *file, GByteArray *line)
{
    int character;
    g_byte_array_set_size(line, 0);
    while (line->len <= LONGEST && (character = getc_unlocked(file)) != EOF) {
        guint8 byte = (guint8)character;
        g_byte_array_append(line, &byte, 1);
        if (byte == '\n')
            break;
    }
    return line->len > 0;
}

static bool publish_lines(struct publishing *publishing, FILE *file, const char *path,
                          GError **error)
{
    g_autoptr(GByteArray) line = g_byte_array_new();
    for (guint64 number = 1; read_line(file, line); number++) {
        if (line->len > LONGEST)
            return error_set(error, ERROR_VALIDATION,
                             "%s: line %" G_GUINT64_FORMAT
                             " has more than the %zu bytes that a record may have",
                             path, number, LONGEST);
        bool header = number == 1 && publishing->skip_headers;
        if (!header && !add(publishing, line, error))
            return false;
    }
    return !ferror(file) || error_set_errno(error, errno, "reading %s", path);
}

static bool publish_file(struct publishing *publishing, const char *path, GError **error)
{
    bool standard = strcmp(path, "-") == 0;
    FILE *file = standard ? stdin : fopen(path, "rbe");
    if (!file)
        return error_set_errno(error, errno, "opening %s", path);
    bool published = publish_lines(publishing, file, path, error);
    if (!standard)
        fclose(file);
    return published;
}

/* All are looked at before anything is published of the first. */
static bool measure(struct publishing *publishing, char **paths, GError **error)
{
    for (; *paths; paths++) {
        struct stat status = {0};
        if (strcmp(*paths, "-") != 0 && stat(*paths, &status) != 0)
            return error_set_errno(error, errno, "looking at %s", *paths);
        if (S_ISDIR(status.st_mode))
            return error_set(error, ERROR_VALIDATION, "%s is a folder; files are published",
                             *paths);
        publishing->total += status.st_size;
    }
    return true;
}

static bool publish(struct publishing *publishing, char **paths, GError **error)
{
    bool published = measure(publishing, paths, error);
    for (; published && *paths; paths++)
        published = publish_file(publishing, *paths, error);
    published = published && send(publishing, error);
    draw(publishing, true);
    if (publishing->bar)
        fputc('\n', stderr);
    return published;
}

int cli_publish(int argc, char **argv)
{
    gboolean skip_headers = FALSE;
    const GOptionEntry options[] = {
        {"skip-header", 0, 0, G_OPTION_ARG_NONE, &skip_headers, NULL, NULL},
        {0},
    };
    if (!cli_options(&argc, &argv, options))
        return CLI_USAGE;
    if (argc < 3) {
        fprintf(stderr, "lathe publish: a delivery STREAM and FILES are needed, such as\n"
                        "  lathe publish readings machines-*.csv\n");
        return CLI_USAGE;
    }
    struct publishing publishing = {.stream = argv[1],
                                    .skip_headers = skip_headers,
                                    .records = json_array(),
                                    .began = clock_monotonic(),
                                    .bar = isatty(STDERR_FILENO)};
    GError *error = NULL;
    bool published = publish(&publishing, argv + 2, &error);
    json_decref(publishing.records);
    printf("%" G_GUINT64_FORMAT " records published to %s\n", publishing.count, argv[1]);
    return published ? CLI_OK : cli_error(error);
}
