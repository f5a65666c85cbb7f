#include "fetch/transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/json.h"
#include "fetch/http.h"

#define FIRST_PAUSE 0.25
#define LONGEST_PAUSE 30
#define PROGRESS ((gint64)1 << 20) /* bytes that make a try no failed one */
#define KEPT_SECONDS (7 * 86400)

/* What lies in the folder of an address: a half file and what the server said of it, as JSON, or a
 * whole one likewise. They are touched by who has the address's lock alone. */
struct keeping {
    const struct transfer *transfer;
    char *half, *whole;
    json_t *of_half, *of_whole; /* {"ETag", "LastModified", "Total"}, or NULL */
    int fd, locked;             /* the lock, or -1: another has it */
    gint64 size;                /* of the half */
    gint64 resumed;             /* of it, what the server went on from first */
    bool began;                 /* a byte came in this try */
    bool astray;                /* but was not the one that was asked for */
};

/* ---- what is here ---- */

static char *beside(const char *path, const char *suffix)
{
    return g_strconcat(path, suffix, NULL);
}

static json_t *read_state(const char *path)
{
    g_autofree char *state = beside(path, ".json");
    return json_read_file(state, NULL);
}

static bool write_state(struct keeping *keeping, const struct http_answer *answer, GError **error)
{
    g_autofree char *path = beside(keeping->half, ".json");
    json_decref(keeping->of_half);
    keeping->of_half = json_pack("{ss* ss* sI}", "ETag", answer->etag, "LastModified",
                                 answer->modified, "Total", (json_int_t)answer->length);
    g_autofree char *text = json_text_of(keeping->of_half);
    return g_file_set_contents(path, text, -1, error);
}

static void forget(const char *path)
{
    g_autofree char *state = beside(path, ".json");
    unlink(path);
    unlink(state);
}

/* FOLDER/DIGEST and what comes behind. */
static char *path_of(const char *folder, const char *url, const char *behind)
{
    g_autofree char *digest = checksum_hex_of(CHECKSUM_SHA256, url, strlen(url));
    g_autofree char *name = g_strconcat(digest, behind, NULL);
    return g_build_filename(folder, name, NULL);
}

/* The address's lock, to be closed; -1: another has it, or there can be none. */
static int take_lock(const char *folder, const char *url)
{
    g_autofree char *path = path_of(folder, url, ".lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0 && futimens(fd, NULL) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Who brings the same as another does at once has files of its own, which nobody goes on from. */
static void choose_names(struct keeping *keeping)
{
    const struct transfer *transfer = keeping->transfer;
    keeping->locked = take_lock(transfer->folder, transfer->url);
    g_autofree char *random = keeping->locked < 0 ? id_hex(16) : g_strdup("");
    g_autofree char *half = g_strconcat(random, ".half", NULL);
    g_autofree char *whole = g_strconcat(random, ".whole", NULL);
    keeping->half = path_of(transfer->folder, transfer->url, half);
    keeping->whole = path_of(transfer->folder, transfer->url, whole);
}

static bool open_keeping(struct keeping *keeping, GError **error)
{
    if (!file_make_folders(keeping->transfer->folder, error))
        return false;
    choose_names(keeping);
    keeping->of_half = read_state(keeping->half);
    keeping->of_whole =
        g_file_test(keeping->whole, G_FILE_TEST_EXISTS) ? read_state(keeping->whole) : NULL;
    keeping->fd = open(keeping->half, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (keeping->fd < 0)
        return error_set_errno(error, errno, "writing %s", keeping->half);
    keeping->size = (gint64)lseek(keeping->fd, 0, SEEK_END);
    return true;
}

static void close_keeping(struct keeping *keeping)
{
    if (keeping->fd >= 0)
        close(keeping->fd);
    if (keeping->locked >= 0) {
        close(keeping->locked);
    } else if (keeping->half) {
        forget(keeping->half);
        forget(keeping->whole);
    }
    json_decref(keeping->of_half);
    json_decref(keeping->of_whole);
    g_free(keeping->half);
    g_free(keeping->whole);
}

/* What says that the rest belongs to what is here; NULL: nothing does. A weak tag does not. */
static const char *range_validator(const json_t *state)
{
    const char *tag = json_text_at(state, "ETag");
    return tag && !g_str_has_prefix(tag, "W/") ? tag : json_text_at(state, "LastModified");
}

/* ---- a try ---- */

static bool too_large(const struct keeping *keeping, GError **error)
{
    g_autofree char *shown = http_shown(keeping->transfer->url);
    return error_set(error, ERROR_VALIDATION,
                     "%s: it has more than the %" G_GINT64_FORMAT
                     " bytes that are left of limits.bytes",
                     shown, keeping->transfer->limit);
}

static bool start_over(struct keeping *keeping, GError **error)
{
    keeping->size = 0;
    return (ftruncate(keeping->fd, 0) == 0 && lseek(keeping->fd, 0, SEEK_SET) == 0) ||
           error_set_errno(error, errno, "writing %s", keeping->half);
}

/* Whether the answer's part is the one that was asked for. */
static bool goes_on(const struct keeping *keeping, const struct http_answer *answer)
{
    gint64 total = json_integer_at(keeping->of_half, "Total", -1);
    return answer->first == keeping->size && (total < 0 || answer->total == total);
}

static bool begin(struct keeping *keeping, const struct http_answer *answer, GError **error)
{
    keeping->began = true;
    gint64 total = answer->status == 206 ? answer->total : answer->length;
    if (total > keeping->transfer->limit)
        return too_large(keeping, error);
    if (answer->status == 200)
        return start_over(keeping, error) && write_state(keeping, answer, error);
    g_autofree char *shown = http_shown(keeping->transfer->url);
    keeping->astray = !goes_on(keeping, answer);
    if (keeping->astray)
        return error_set(error, ERROR_VALIDATION,
                         "%s: the server was asked for the bytes from %" G_GINT64_FORMAT
                         " on, and sends those from %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT,
                         shown, keeping->size, answer->first, answer->total);
    if (!keeping->resumed)
        keeping->resumed = keeping->size;
    return true;
}

static bool take(const struct http_answer *answer, const void *bytes, size_t size, void *data,
                 GError **error)
{
    struct keeping *keeping = data;
    const struct transfer *transfer = keeping->transfer;
    if (!keeping->began && !begin(keeping, answer, error))
        return false;
    if ((gint64)size > transfer->limit - keeping->size)
        return too_large(keeping, error);
    if (!file_write_all(keeping->fd, bytes, size, error))
        return false;
    keeping->size += (gint64)size;
    transfer->moved(keeping->size, json_integer_at(keeping->of_half, "Total", -1), transfer->data);
    return true;
}

/* Everything was here but the news that it was everything. */
static bool is_all_here(const struct keeping *keeping, const struct http_answer *answer)
{
    return answer->status == 416 && answer->total == keeping->size;
}

/* What was here is of no use: the whole is asked for next. */
static enum http_end try_whole(struct keeping *keeping, bool had_part)
{
    return had_part && start_over(keeping, NULL) ? HTTP_AGAIN : HTTP_FAILED;
}

/* A file may be empty, and a part may be less than was asked for. */
static enum http_end look_at_size(struct keeping *keeping, const struct http_answer *answer,
                                  GError **error)
{
    if (!keeping->began && !begin(keeping, answer, error))
        return HTTP_FAILED;
    gint64 total = json_integer_at(keeping->of_half, "Total", -1);
    if (total < 0 || keeping->size == total)
        return HTTP_ANSWERED;
    g_autofree char *shown = http_shown(keeping->transfer->url);
    error_set(error, ERROR_VALIDATION,
              "%s: the server sent %" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes", shown,
              keeping->size, total);
    return HTTP_AGAIN;
}

static enum http_end try_once(struct keeping *keeping, struct http_answer *answer, GError **error)
{
    const char *validator = range_validator(keeping->of_half);
    struct http_question question = {
        .url = keeping->transfer->url,
        .rules = keeping->transfer->rules,
        .from = validator ? keeping->size : 0,
        .if_range = validator,
        .if_none_match = json_text_at(keeping->of_whole, "ETag"),
        .if_modified = json_text_at(keeping->of_whole, "LastModified"),
        .take = take,
        .data = keeping,
    };
    keeping->began = keeping->astray = false;
    if (!question.from && !start_over(keeping, error))
        return HTTP_FAILED;
    enum http_end end = http_ask(&question, answer, error);
    if (keeping->astray)
        return try_whole(keeping, question.from > 0);
    if (end != HTTP_ANSWERED || answer->status == 304 || is_all_here(keeping, answer))
        return end;
    if (answer->status != 416)
        return look_at_size(keeping, answer, error);
    g_autofree char *shown = http_shown(keeping->transfer->url);
    error_set(error, ERROR_VALIDATION,
              "%s: the server has no bytes from %" G_GINT64_FORMAT " on (HTTP status 416)", shown,
              keeping->size);
    return try_whole(keeping, question.from > 0);
}

/* ---- until it is here ---- */

static void wait_for_next(const struct keeping *keeping, const struct http_answer *answer,
                          unsigned tried, const GError *cause)
{
    double pause = MAX(answer->retry_after, FIRST_PAUSE * pow(2, tried));
    pause = MIN(pause, MAX(answer->retry_after, LONGEST_PAUSE));
    keeping->transfer->waits(cause->message, pause, keeping->transfer->data);
    g_usleep((gulong)(pause * G_USEC_PER_SEC));
}

/* Tries that brought something do not count. */
static bool bring(struct keeping *keeping, struct http_answer *answer, GError **error)
{
    for (unsigned tried = 0;; tried++) {
        gint64 before = keeping->size;
        GError *cause = NULL;
        enum http_end end = try_once(keeping, answer, &cause);
        if (end == HTTP_ANSWERED)
            return true;
        if (keeping->size - before >= PROGRESS)
            tried = 0;
        if (end == HTTP_FAILED && keeping->began)
            forget(keeping->half); /* what is too large, say, is of no use next time */
        if (end == HTTP_FAILED || tried == keeping->transfer->retries) {
            if (tried)
                g_prefix_error(&cause, "after %u tries: ", tried + 1);
            g_propagate_error(error, cause);
            return false;
        }
        wait_for_next(keeping, answer, tried, cause);
        g_clear_error(&cause);
    }
}

static bool make_whole(const struct keeping *keeping, GError **error)
{
    g_autofree char *from = beside(keeping->half, ".json");
    g_autofree char *to = beside(keeping->whole, ".json");
    unlink(to);
    return (rename(keeping->half, keeping->whole) == 0 && rename(from, to) == 0) ||
           error_set_errno(error, errno, "renaming %s", keeping->half);
}

/* Where the folders lie on two disks there is nothing to link. */
static bool give(const struct keeping *keeping, const char *to, GError **error)
{
    return link(keeping->whole, to) == 0 ||
           (errno == EXDEV ? file_copy(keeping->whole, to, 0600, error)
                           : error_set_errno(error, errno, "linking %s", to));
}

bool transfer_bring(const struct transfer *transfer, const char *to,
                    struct transferred *transferred, GError **error)
{
    struct keeping keeping = {.transfer = transfer, .fd = -1, .locked = -1};
    struct http_answer answer = {.length = -1, .first = -1, .total = -1};
    bool brought = open_keeping(&keeping, error) && bring(&keeping, &answer, error);
    bool unchanged = brought && answer.status == 304;
    if (unchanged)
        forget(keeping.half);
    brought = brought && (unchanged || make_whole(&keeping, error)) && give(&keeping, to, error);
    *transferred = (struct transferred){.resumed = keeping.resumed, .unchanged = unchanged};
    http_answer_clear(&answer);
    close_keeping(&keeping);
    return brought;
}

/* ---- what is left ---- */

void transfer_forget(const char *folder, const char *url)
{
    int lock = take_lock(folder, url);
    if (lock < 0)
        return;
    g_autofree char *half = path_of(folder, url, ".half");
    g_autofree char *whole = path_of(folder, url, ".whole");
    forget(half);
    forget(whole);
    close(lock);
}

static bool remove_old(const char *path, const char *name, void *data, GError **error)
{
    (void)name;
    (void)data;
    (void)error;
    struct stat status;
    if (stat(path, &status) == 0 && clock_now() - (double)status.st_mtime > KEPT_SECONDS)
        unlink(path);
    return true;
}

void transfer_tidy(const char *folder)
{
    if (g_file_test(folder, G_FILE_TEST_IS_DIR))
        file_each(folder, remove_old, NULL, NULL);
}
