#include "fetch/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checksum.h"
#include "base/error.h"
#include "base/file.h"
#include "fetch/http.h"
#include "fetch/transfer.h"

#define PIECE (1 << 20)
/* Small files may be anything compressed: an expansion is told from here on. */
#define EXPANSION_FREE ((gint64)16 << 20)

/* ---- lists ---- */

struct fetch_list *fetch_list_new(void)
{
    struct fetch_list *list = g_new0(struct fetch_list, 1);
    *list = (struct fetch_list){.files = g_ptr_array_new(),
                                .bytes = (gint64)64 << 30,
                                .members = 100000,
                                .expansion = 200,
                                .retries = 5};
    return list;
}

struct fetch_file *fetch_list_add(struct fetch_list *list, const char *source, bool is_local)
{
    struct fetch_file *file = g_new0(struct fetch_file, 1);
    *file = (struct fetch_file){.source = g_strdup(source), .is_local = is_local};
    g_ptr_array_add(list->files, file);
    return file;
}

void fetch_list_free(struct fetch_list *list)
{
    if (!list)
        return;
    for (guint i = 0; i < list->files->len; i++) {
        struct fetch_file *file = g_ptr_array_index(list->files, i);
        g_free(file->source);
        g_free(file->path);
        g_free(file->sha256);
        g_free(file->md5);
        g_free(file);
    }
    g_ptr_array_unref(list->files);
    g_free(list);
}

/* What the source's last part says the file is called. */
static char *name_of(const struct fetch_file *file)
{
    if (file->is_local)
        return g_path_get_basename(file->source);
    g_autofree char *plain = g_strndup(file->source, strcspn(file->source, "?#"));
    const char *host = strstr(plain, "://");
    const char *slash = host ? strrchr(host + 3, '/') : NULL;
    char *name = slash ? g_uri_unescape_string(slash + 1, "/") : NULL;
    return name ? name : g_strdup("");
}

/* An archive's members go to the top, and a gzip has its name's ending no more. */
static char *default_path(const struct fetch_file *file)
{
    g_autofree char *name = name_of(file);
    if (file->form == FETCH_TAR || file->form == FETCH_ZIP)
        return g_strdup("");
    size_t length = strlen(name);
    if (file->form == FETCH_GZIP && length > 3 && g_str_has_suffix(name, ".gz"))
        name[length - 3] = '\0';
    return g_steal_pointer(&name);
}

static bool is_name(const char *path)
{
    for (const char *at = path; *at; at++)
        if (g_ascii_iscntrl(*at))
            return false;
    return file_is_inside(path) && g_utf8_validate(path, -1, NULL);
}

static bool check_path(const struct fetch_file *file, GError **error)
{
    bool top = !*file->path && (file->form == FETCH_TAR || file->form == FETCH_ZIP);
    if (top || is_name(file->path))
        return true;
    g_autofree char *shown = http_shown(file->source);
    return error_set(
        error, ERROR_VALIDATION,
        "%s: its path, \"%s\", is no name of a file below the output: give one such as "
        "flights/2008.csv",
        shown, file->path);
}

bool fetch_list_check(struct fetch_list *list, GError **error)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(g_str_hash, g_str_equal);
    for (guint i = 0; i < list->files->len; i++) {
        struct fetch_file *file = g_ptr_array_index(list->files, i);
        if (!file->path)
            file->path = default_path(file);
        if (!check_path(file, error))
            return false;
        bool is_file = file->form == FETCH_PLAIN || file->form == FETCH_GZIP;
        g_autofree char *shown = http_shown(file->source);
        if (is_file && !g_hash_table_add(seen, file->path))
            return error_set(error, ERROR_VALIDATION,
                             "%s: another of the list becomes the file %s, too; give this one "
                             "another path",
                             shown, file->path);
    }
    return list->files->len > 0 || error_set(error, ERROR_VALIDATION, "the list names no files");
}

/* ---- one file ---- */

struct fetching {
    const struct fetch_list *list;
    const struct fetch_place *place;
    const struct fetch_file *file;
    guint index;
    char *brought, *unpacked;   /* in the scratch folder */
    gint64 left, left_unpacked; /* of the list's bytes */
    gint64 size;                /* of the file as brought */
};

static void say(const struct fetching *fetching, const char *format, ...) G_GNUC_PRINTF(2, 3);
static void say(const struct fetching *fetching, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    g_autofree char *line = g_strdup_vprintf(format, arguments);
    va_end(arguments);
    fetching->place->view.says(line, fetching->place->view.data);
}

static void moved(gint64 here, gint64 total, void *data)
{
    const struct fetching *fetching = data;
    const struct fetch_view *view = &fetching->place->view;
    view->moves(fetching->file, fetching->index, here, total, view->data);
}

static void waits(const char *why, double seconds, void *data)
{
    say(data, "%s; trying again in %.3g s", why, seconds);
}

static bool download(struct fetching *fetching, GError **error)
{
    const struct fetch_file *file = fetching->file;
    const struct transfer transfer = {.url = file->source,
                                      .rules = &fetching->place->rules,
                                      .folder = fetching->place->cache,
                                      .limit = fetching->left,
                                      .retries = fetching->list->retries,
                                      .moved = moved,
                                      .waits = waits,
                                      .data = fetching};
    struct transferred transferred;
    if (!transfer_bring(&transfer, fetching->brought, &transferred, error))
        return false;
    g_autofree char *shown = http_shown(file->source);
    if (transferred.unchanged)
        say(fetching, "%s: unchanged since it was brought", shown);
    else if (transferred.resumed)
        say(fetching, "%s: went on from byte %" G_GINT64_FORMAT, shown, transferred.resumed);
    return true;
}

static bool check_size(const struct fetching *fetching, gint64 size, GError **error)
{
    g_autofree char *shown = http_shown(fetching->file->source);
    return size <= fetching->left || error_set(error, ERROR_VALIDATION,
                                               "%s: it has more than the %" G_GINT64_FORMAT
                                               " bytes that are left of limits.bytes",
                                               shown, fetching->left);
}

static bool bring(struct fetching *fetching, GError **error)
{
    const struct fetch_file *file = fetching->file;
    if (!file->is_local)
        return download(fetching, error);
    struct stat status;
    if (stat(file->source, &status) != 0)
        return error_set_errno(error, errno, "looking at %s", file->source);
    if (!S_ISREG(status.st_mode))
        return error_set(error, ERROR_VALIDATION, "%s is no file", file->source);
    return check_size(fetching, (gint64)status.st_size, error) &&
           file_copy(file->source, fetching->brought, 0600, error);
}

/* ---- checksums ---- */

static bool digest_file(int fd, struct checksum *const *checksums, GError **error)
{
    g_autofree char *piece = g_malloc(PIECE);
    ssize_t n;
    while ((n = read(fd, piece, PIECE)) > 0)
        for (size_t i = 0; checksums[i]; i++)
            checksum_update(checksums[i], piece, (size_t)n);
    return n == 0 || error_set_errno(error, errno, "reading what was brought");
}

static bool compare(const struct fetching *fetching, const char *name, const char *expected,
                    const char *found, GError **error)
{
    if (!expected || g_ascii_strcasecmp(expected, found) == 0)
        return true;
    g_autofree char *shown = http_shown(fetching->file->source);
    return error_set(error, ERROR_VALIDATION,
                     "%s: its %s is %s, and %s was expected (%" G_GINT64_FORMAT " bytes came)",
                     shown, name, found, expected, fetching->size);
}

static bool check_digests(const struct fetching *fetching, struct checksum *sha256,
                          struct checksum *md5, GError **error)
{
    g_autofree char *shown = http_shown(fetching->file->source);
    g_autofree char *sha = checksum_hex(sha256);
    g_autofree char *five = checksum_hex(md5);
    say(fetching, "%s: %" G_GINT64_FORMAT " bytes, sha256 %s, md5 %s", shown, fetching->size, sha,
        five);
    return compare(fetching, "sha256", fetching->file->sha256, sha, error) &&
           compare(fetching, "md5", fetching->file->md5, five, error);
}

static bool verify(struct fetching *fetching, GError **error)
{
    int fd = open(fetching->brought, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0 || fstat(fd, &status) != 0)
        return error_set_errno(error, errno, "opening %s", fetching->brought);
    fetching->size = (gint64)status.st_size;
    g_autoptr(checksum_auto) sha256 = checksum_new(CHECKSUM_SHA256);
    g_autoptr(checksum_auto) md5 = checksum_new(CHECKSUM_MD5);
    struct checksum *const both[] = {sha256, md5, NULL};
    bool verified = digest_file(fd, both, error) && check_digests(fetching, sha256, md5, error);
    close(fd);
    return verified;
}

/* What has the wrong checksum is not to be found again; and it may have become wrong by what was
 * kept of it. */
static bool bring_verified(struct fetching *fetching, GError **error)
{
    bool had_part = false;
    for (;;) {
        GError *cause = NULL;
        if (!bring(fetching, error))
            return false;
        if (verify(fetching, &cause))
            return true;
        unlink(fetching->brought);
        if (!fetching->file->is_local)
            transfer_forget(fetching->place->cache, fetching->file->source);
        if (had_part || fetching->file->is_local) {
            g_propagate_error(error, cause);
            return false;
        }
        say(fetching, "%s; once more from the start", cause->message);
        g_error_free(cause);
        had_part = true;
    }
}

/* ---- into the output ---- */

struct placing {
    const struct fetching *fetching;
    const char *below; /* the file's path */
};

/* Never in the place of another's. */
static bool place_file(const char *from, const char *name, void *data, GError **error)
{
    const struct placing *placing = data;
    const struct fetching *fetching = placing->fetching;
    g_autofree char *path = g_build_filename(fetching->place->output, placing->below, name, NULL);
    g_autofree char *above = g_path_get_dirname(path);
    g_autofree char *shown = http_shown(fetching->file->source);
    if (!is_name(name))
        return error_set(error, ERROR_VALIDATION, "%s: a member's name is no UTF-8 text", shown);
    if (file_make_folders(above, error) && link(from, path) == 0)
        return unlink(from) == 0 || error_set_errno(error, errno, "removing %s", from);
    if (error && *error)
        return false;
    return errno == EEXIST ? error_set(error, ERROR_VALIDATION,
                                       "%s: it makes the file %s, and so does another of the list",
                                       shown, path + strlen(fetching->place->output) + 1)
                           : error_set_errno(error, errno, "linking %s", path);
}

static bool place_plain(const struct fetching *fetching, const char *from, GError **error)
{
    struct placing placing = {fetching, ""};
    return place_file(from, fetching->file->path, &placing, error);
}

static struct unpack_bounds bounds_of(const struct fetching *fetching)
{
    gint64 times = fetching->list->expansion;
    gint64 most = fetching->size > G_MAXINT64 / times ? G_MAXINT64 : fetching->size * times;
    return (struct unpack_bounds){
        .bytes = MIN(fetching->left_unpacked, MAX(most, EXPANSION_FREE)),
        .members = fetching->list->members,
    };
}

/* Why it is held to what it is held to. */
static void advise_bound(const struct fetching *fetching, GError **error)
{
    g_autofree char *shown = http_shown(fetching->file->source);
    g_prefix_error(error,
                   "%s, as %s (of at most %" G_GINT64_FORMAT " bytes: limits.bytes, and "
                   "limits.expansion times its own; and limits.members files): ",
                   shown, fetch_form_name(fetching->file->form), bounds_of(fetching).bytes);
}

static bool unpack(struct fetching *fetching, GError **error)
{
    const struct fetch_file *file = fetching->file;
    struct unpack_bounds bounds = bounds_of(fetching);
    if (!fetch_unpack(fetching->brought, file->form, fetching->unpacked, &bounds, error)) {
        advise_bound(fetching, error);
        return false;
    }
    struct file_sum sum = file_sum(fetching->unpacked);
    g_autofree char *shown = http_shown(file->source);
    say(fetching, "%s: unpacked as %s, %" G_GUINT64_FORMAT " bytes in %" G_GUINT64_FORMAT " file%s",
        shown, fetch_form_name(file->form), sum.bytes, sum.files, sum.files == 1 ? "" : "s");
    fetching->left_unpacked -= (gint64)sum.bytes;
    struct placing placing = {fetching, file->path};
    return file->form == FETCH_GZIP ? place_plain(fetching, fetching->unpacked, error)
                                    : file_each(fetching->unpacked, place_file, &placing, error);
}

/* What cannot be unpacked is of no use next time. */
static bool unpack_or_forget(struct fetching *fetching, GError **error)
{
    bool unpacked = unpack(fetching, error);
    if (!unpacked && !fetching->file->is_local)
        transfer_forget(fetching->place->cache, fetching->file->source);
    return unpacked;
}

static bool fetch_one(struct fetching *fetching, GError **error)
{
    if (!bring_verified(fetching, error) || !check_size(fetching, fetching->size, error))
        return false;
    fetching->left -= fetching->size;
    bool done = fetching->file->form == FETCH_PLAIN
                    ? place_plain(fetching, fetching->brought, error)
                    : unpack_or_forget(fetching, error);
    unlink(fetching->brought);
    return file_remove_tree(fetching->unpacked, NULL) && done;
}

/* ---- all ---- */

static bool fetch_each(struct fetching *fetching, GError **error)
{
    for (guint i = 0; i < fetching->list->files->len; i++) {
        fetching->index = i;
        fetching->file = g_ptr_array_index(fetching->list->files, i);
        if (!fetch_one(fetching, error))
            return false;
    }
    return true;
}

static void forget_all(const struct fetching *fetching)
{
    for (guint i = 0; i < fetching->list->files->len; i++) {
        const struct fetch_file *file = g_ptr_array_index(fetching->list->files, i);
        if (!file->is_local)
            transfer_forget(fetching->place->cache, file->source);
    }
}

bool fetch_all(const struct fetch_list *list, const struct fetch_place *place, GError **error)
{
    struct fetching fetching = {
        .list = list, .place = place, .left = list->bytes, .left_unpacked = list->bytes};
    fetching.brought = g_build_filename(place->scratch, "brought", NULL);
    fetching.unpacked = g_build_filename(place->scratch, "unpacked", NULL);
    transfer_tidy(place->cache);
    bool fetched = file_remove_tree(place->scratch, error) &&
                   file_make_folders(place->scratch, error) &&
                   file_make_folders(place->output, error) && fetch_each(&fetching, error);
    if (fetched)
        forget_all(&fetching);
    file_remove_tree(place->scratch, NULL);
    g_free(fetching.brought);
    g_free(fetching.unpacked);
    return fetched;
}
