#include "log/log_stream.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"

#define LONGEST_MESSAGE (256 * 1024)

struct logs {
    char *folder;
};

struct log_writer {
    int fd;
    bool held;
    GString *gathered; /* lines that are not written yet */
};

struct logs *logs_open(const char *folder, GError **error)
{
    if (!file_make_folders(folder, error))
        return NULL;
    struct logs *logs = g_new0(struct logs, 1);
    logs->folder = g_strdup(folder);
    return logs;
}

void logs_close(struct logs *logs)
{
    if (!logs)
        return;
    g_free(logs->folder);
    g_free(logs);
}

/* Names of groups and streams have slashes, so files are named by their escaped form, after "=",
 * which keeps "." and ".." and empty names from meaning folders. A file's name has at most 255
 * bytes, and the escaped form may be longer: then what does not fit is in a file of a folder that
 * is named "+" and the form's beginning, and so on. */
#define PIECE 250 /* of an escaped name */

static char *escaped(const char *name)
{
    g_autofree char *safe = g_uri_escape_string(name, " []$", FALSE);
    /* Escaped byte by byte, the longest names would be longer than paths can be. */
    if (strlen(safe) > PIECE) {
        g_free(safe);
        safe = g_uri_escape_string(name, " []$", TRUE);
    }
    GString *path = g_string_new(NULL);
    const char *at = safe;
    for (; strlen(at) > PIECE; at += PIECE) {
        g_string_append_c(path, '+');
        g_string_append_len(path, at, PIECE);
        g_string_append_c(path, '/');
    }
    g_string_append_printf(path, "=%s", at);
    return g_string_free(path, FALSE);
}

static char *group_path(const struct logs *logs, const char *group)
{
    g_autofree char *name = escaped(group);
    return g_build_filename(logs->folder, name, NULL);
}

static char *stream_path(const struct logs *logs, const char *group, const char *stream)
{
    g_autofree char *folder = group_path(logs, group);
    g_autofree char *name = escaped(stream);
    return g_build_filename(folder, name, NULL);
}

/* ---- writing ---- */

bool logs_create_group(struct logs *logs, const char *group, GError **error)
{
    g_autofree char *path = group_path(logs, group);
    return file_make_folders(path, error);
}

struct log_writer *log_writer_open(struct logs *logs, const char *group, const char *stream,
                                   GError **error)
{
    if (!logs_create_group(logs, group, error))
        return NULL;
    g_autofree char *path = stream_path(logs, group, stream);
    g_autofree char *folder = g_path_get_dirname(path);
    if (!file_make_folders(folder, error))
        return NULL;
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0) {
        error_set_errno(error, errno, "opening the log %s", path);
        return NULL;
    }
    struct log_writer *writer = g_new0(struct log_writer, 1);
    writer->fd = fd;
    writer->gathered = g_string_new(NULL);
    return writer;
}

static void gather(GString *lines, gint64 milliseconds, const char *message)
{
    g_string_append_printf(lines, "%" G_GINT64_FORMAT " ", milliseconds);
    for (const char *at = message; *at; at++) {
        if (*at == '\\')
            g_string_append(lines, "\\\\");
        else if (*at == '\n')
            g_string_append(lines, "\\n");
        else
            g_string_append_c(lines, *at);
    }
    g_string_append_c(lines, '\n');
}

/* What cannot be written is lost. */
static bool write_gathered(struct log_writer *writer, GError **error)
{
    bool written = file_write_all(writer->fd, writer->gathered->str, writer->gathered->len, error);
    g_string_truncate(writer->gathered, 0);
    return written;
}

bool log_writer_add(struct log_writer *writer, gint64 milliseconds, const char *message,
                    size_t size, GError **error)
{
    if (!size || !*message)
        return true;
    g_autofree char *valid = g_utf8_make_valid(message, (gssize)MIN(size, LONGEST_MESSAGE));
    gather(writer->gathered, milliseconds, valid);
    return (writer->held && writer->gathered->len < LONGEST_MESSAGE) ||
           write_gathered(writer, error);
}

bool log_writer_hold(struct log_writer *writer, bool held, GError **error)
{
    writer->held = held;
    return held || !writer->gathered->len || write_gathered(writer, error);
}

void log_writer_close(struct log_writer *writer)
{
    if (!writer)
        return;
    g_string_free(writer->gathered, TRUE);
    close(writer->fd);
    g_free(writer);
}

/* ---- what there is ---- */

bool logs_has_group(struct logs *logs, const char *group)
{
    g_autofree char *path = group_path(logs, group);
    return g_file_test(path, G_FILE_TEST_IS_DIR);
}

bool logs_has_stream(struct logs *logs, const char *group, const char *stream)
{
    g_autofree char *path = stream_path(logs, group, stream);
    return g_file_test(path, G_FILE_TEST_IS_REGULAR);
}

static int by_text(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Adds the names in a folder that start with prefix; before: what of their escaped form its path
 * has said. */
static void add_names(const char *folder, const char *before, const char *prefix, GPtrArray *names)
{
    g_autoptr(GDir) entries = g_dir_open(folder, 0, NULL);
    const char *entry;
    while (entries && (entry = g_dir_read_name(entries))) {
        g_autofree char *safe = g_strconcat(before, entry + 1, NULL);
        g_autofree char *path = g_build_filename(folder, entry, NULL);
        g_autofree char *name = *entry == '=' ? g_uri_unescape_string(safe, NULL) : NULL;
        if (*entry == '+')
            add_names(path, safe, prefix, names);
        else if (name && (!prefix || g_str_has_prefix(name, prefix)))
            g_ptr_array_add(names, g_steal_pointer(&name));
    }
}

/* The names in a folder that start with prefix, in order. */
static GPtrArray *names_in(const char *folder, const char *prefix)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    add_names(folder, "", prefix, names);
    g_ptr_array_sort(names, by_text);
    return names;
}

GPtrArray *logs_groups(struct logs *logs, const char *prefix)
{
    return names_in(logs->folder, prefix);
}

static void free_info(void *data)
{
    struct log_stream_info *info = data;
    g_free(info->name);
    g_free(info);
}

static gint64 time_of_line(const char *line)
{
    return g_ascii_strtoll(line, NULL, 10);
}

static void fill_times(struct log_stream_info *info, const char *text, gsize size)
{
    info->first = info->last = -1;
    if (!size)
        return;
    info->first = time_of_line(text);
    const char *last = text + size - 1; /* the final newline */
    while (last > text && last[-1] != '\n')
        last--;
    info->last = time_of_line(last);
}

GPtrArray *logs_streams(struct logs *logs, const char *group, const char *prefix)
{
    g_autofree char *folder = group_path(logs, group);
    g_autoptr(GPtrArray) names = names_in(folder, prefix);
    GPtrArray *streams = g_ptr_array_new_with_free_func(free_info);
    for (guint i = 0; i < names->len; i++) {
        const char *name = g_ptr_array_index(names, i);
        g_autofree char *path = stream_path(logs, group, name);
        g_autoptr(GMappedFile) file = g_mapped_file_new(path, FALSE, NULL);
        struct stat status;
        if (!file || stat(path, &status) != 0)
            continue; /* deleted a moment ago */
        struct log_stream_info *info = g_new0(struct log_stream_info, 1);
        info->name = g_strdup(name);
        info->size = status.st_size;
        fill_times(info, g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
        info->created = info->first >= 0 ? info->first : (gint64)status.st_ctime * 1000;
        g_ptr_array_add(streams, info);
    }
    return streams;
}

void logs_remove(struct logs *logs, const char *group, const char *prefix)
{
    g_autofree char *folder = group_path(logs, group);
    g_autoptr(GPtrArray) names = names_in(folder, prefix);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = stream_path(logs, group, g_ptr_array_index(names, i));
        unlink(path);
    }
}

bool logs_delete_stream(struct logs *logs, const char *group, const char *stream, GError **error)
{
    g_autofree char *path = stream_path(logs, group, stream);
    if (unlink(path) == 0)
        return true;
    return errno == ENOENT ? error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                                       "The specified log stream does not exist.")
                           : error_set_errno(error, errno, "removing the log %s", path);
}

bool logs_delete_group(struct logs *logs, const char *group, GError **error)
{
    g_autofree char *path = group_path(logs, group);
    return logs_has_group(logs, group) ? file_remove_tree(path, error)
                                       : error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                                                   "The specified log group does not exist.");
}

unsigned logs_trim(struct logs *logs, const char *group, gint64 before)
{
    g_autoptr(GPtrArray) streams = logs_streams(logs, group, NULL);
    unsigned removed = 0;
    for (guint i = 0; i < streams->len; i++) {
        const struct log_stream_info *stream = g_ptr_array_index(streams, i);
        g_autofree char *path = stream_path(logs, group, stream->name);
        if (MAX(stream->last, stream->created) < before)
            removed += unlink(path) == 0;
    }
    return removed;
}

/* ---- reading ---- */

static void free_event(void *data)
{
    struct log_event *event = data;
    g_free(event->message);
    g_free(event);
}

static struct log_event *event_of(const char *line, const char *end)
{
    struct log_event *event = g_new0(struct log_event, 1);
    char *at;
    event->milliseconds = g_ascii_strtoll(line, &at, 10);
    GString *message = g_string_sized_new((gsize)(end - at));
    for (at++; at < end; at++) {
        if (*at == '\\' && at + 1 < end) {
            at++;
            g_string_append_c(message, *at == 'n' ? '\n' : *at);
        } else {
            g_string_append_c(message, *at);
        }
    }
    event->message = g_string_free(message, FALSE);
    return event;
}

static bool wanted(const struct log_query *query, gint64 time)
{
    return time >= query->start && (query->end == 0 || time < query->end);
}

/* Lines from `at` on, oldest first, until the limit; the position after the last one read. */
static const char *read_forward(const char *at, const char *end, const struct log_query *query,
                                size_t limit, GPtrArray *events)
{
    const char *newline;
    while (at < end && events->len < limit && (newline = memchr(at, '\n', (size_t)(end - at)))) {
        if (wanted(query, time_of_line(at)))
            g_ptr_array_add(events, event_of(at, newline));
        at = newline + 1;
    }
    return at;
}

/* Lines before `at`, until the limit; the position before the first one read. */
static const char *read_backward(const char *start, const char *at, const struct log_query *query,
                                 size_t limit, GPtrArray *events)
{
    while (at > start && events->len < limit) {
        const char *newline = at - 1, *line = newline;
        while (line > start && line[-1] != '\n')
            line--;
        if (wanted(query, time_of_line(line)))
            g_ptr_array_insert(events, 0, event_of(line, newline));
        at = line;
    }
    return at;
}

static bool is_between_lines(const char *text, const char *end, gint64 position)
{
    return position <= end - text && (position == 0 || text[position - 1] == '\n');
}

bool logs_read(struct logs *logs, const char *group, const char *stream,
               const struct log_query *query, struct log_page *page, GError **error)
{
    g_autofree char *path = stream_path(logs, group, stream);
    g_autofree char *text = NULL;
    gsize size;
    if (!g_file_get_contents(path, &text, &size, NULL))
        return error_set(error, ERROR_NOT_FOUND_EXCEPTION,
                         "The specified log stream does not exist.");
    const char *whole_end = text + size; /* a line that is being written has no newline yet */
    while (whole_end > text && whole_end[-1] != '\n')
        whole_end--;
    size_t limit = query->limit ? query->limit : 10000;
    bool backward = query->position < 0 ? !query->from_head : query->backward;
    const char *at = backward ? whole_end : text;
    if (query->position >= 0) {
        if (!is_between_lines(text, whole_end, query->position))
            return error_set(error, ERROR_INVALID_PARAMETER,
                             "The specified nextToken is invalid: there is no end of an event at "
                             "its position %" G_GINT64_FORMAT " of the log stream.",
                             query->position);
        at = text + query->position;
    }
    page->events = g_ptr_array_new_with_free_func(free_event);
    const char *other = backward ? read_backward(text, at, query, limit, page->events)
                                 : read_forward(at, whole_end, query, limit, page->events);
    page->before = (backward ? other : at) - text;
    page->after = (backward ? at : other) - text;
    return true;
}

void log_page_clear(struct log_page *page)
{
    if (page->events)
        g_ptr_array_unref(page->events);
    page->events = NULL;
}
