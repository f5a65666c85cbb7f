#include "program/fetch_list.h"

#include <string.h>

#include "base/checksum.h"
#include "base/error.h"
#include "program/specification.h"

/* What a list may ask for at most. */
#define MOST_BYTES ((gint64)16 << 40)
#define MOST_MEMBERS 10000000
#define MOST_EXPANSION 2000
#define MOST_RETRIES 100
#define MOST_FILES 100000

/* ---- a file ---- */

static bool is_address(const char *source)
{
    return g_ascii_strncasecmp(source, "http://", 7) == 0 ||
           g_ascii_strncasecmp(source, "https://", 8) == 0;
}

struct fetch_file *fetch_list_take(struct fetch_list *list, const char *source, const char *base,
                                   GError **error)
{
    if (is_address(source))
        return fetch_list_add(list, source, false);
    bool is_file = g_str_has_prefix(source, "file://");
    if (!base || (!is_file && strstr(source, "://"))) {
        error_set(error, ERROR_VALIDATION,
                  "%s: only addresses of http:// and https:// are fetched%s", source,
                  base ? ", and local files" : "; `lathe fetch` reads local files, too");
        return NULL;
    }
    g_autofree char *path =
        g_canonicalize_filename(is_file ? source + strlen("file://") : source, base);
    return fetch_list_add(list, path, true);
}

static bool take_digest(const json_t *entry, const char *name, enum checksum_kind kind,
                        const char *source, char **digest, GError **error)
{
    const char *text = json_text_at(entry, name);
    size_t digits = 2 * checksum_size(kind);
    if (text && (strlen(text) != digits || strspn(text, "0123456789abcdefABCDEF") != digits))
        return error_set(error, ERROR_VALIDATION,
                         "%s: its %s is %s; %zu hexadecimal digits are expected", source, name,
                         text, digits);
    *digest = g_strdup(text);
    return true;
}

static bool take_form(const json_t *entry, const char *source, enum fetch_form *form,
                      GError **error)
{
    const char *name = json_text_at(entry, "decompress");
    if (name && strcmp(name, "auto") == 0) {
        g_autofree char *plain = g_strndup(source, strcspn(source, "?#"));
        *form = fetch_form_of(plain);
        return true;
    }
    return !name || fetch_form_from_name(name, form) ||
           error_set(error, ERROR_VALIDATION,
                     "%s: decompress is %s; gzip, tar (plain or through gzip), zip, auto (by the "
                     "name) and none are known",
                     source, name);
}

static bool take_mapping(struct fetch_list *list, const json_t *entry, const char *what,
                         const char *base, GError **error)
{
    static const struct specification_member members[] = {{"url", SPECIFICATION_TEXT},
                                                          {"path", SPECIFICATION_TEXT},
                                                          {"sha256", SPECIFICATION_TEXT},
                                                          {"md5", SPECIFICATION_TEXT},
                                                          {"decompress", SPECIFICATION_TEXT}};
    if (!specification_check(entry, what, members, G_N_ELEMENTS(members), error))
        return false;
    const char *source = json_text_at(entry, "url"), *path = json_text_at(entry, "path");
    if (!source)
        return error_set(error, ERROR_VALIDATION, "%s: it has no url", what);
    struct fetch_file *file = fetch_list_take(list, source, base, error);
    if (!file)
        return false;
    file->path = g_strdup(path);
    return take_digest(entry, "sha256", CHECKSUM_SHA256, source, &file->sha256, error) &&
           take_digest(entry, "md5", CHECKSUM_MD5, source, &file->md5, error) &&
           take_form(entry, source, &file->form, error);
}

static bool take_files(struct fetch_list *list, const json_t *files, const char *name,
                       const char *base, GError **error)
{
    size_t i;
    const json_t *entry;
    if (json_array_size(files) > MOST_FILES)
        return error_set(error, ERROR_VALIDATION, "%s: the list has more than %d files", name,
                         MOST_FILES);
    json_array_foreach((json_t *)files, i, entry)
    {
        g_autofree char *what = g_strdup_printf("%s: files[%zu]", name, i);
        bool is_text = json_is_string(entry);
        if (!is_text && !json_is_object(entry))
            return error_set(error, ERROR_VALIDATION,
                             "%s: an address, or a mapping with its url, is needed", what);
        if (!(is_text ? fetch_list_take(list, json_string_value(entry), base, error) != NULL
                      : take_mapping(list, entry, what, base, error)))
            return false;
    }
    return true;
}

/* ---- bounds ---- */

static bool take_bound(const json_t *object, const char *name, gint64 least, gint64 most,
                       gint64 *bound, GError **error)
{
    *bound = json_integer_at(object, name, *bound);
    return (*bound >= least && *bound <= most) ||
           error_set(error, ERROR_VALIDATION,
                     "%s is %" G_GINT64_FORMAT "; it may be %" G_GINT64_FORMAT
                     " to %" G_GINT64_FORMAT,
                     name, *bound, least, most);
}

static bool take_bounds(struct fetch_list *list, const json_t *specification, GError **error)
{
    static const struct specification_member members[] = {{"bytes", SPECIFICATION_COUNT},
                                                          {"members", SPECIFICATION_COUNT},
                                                          {"expansion", SPECIFICATION_COUNT}};
    const json_t *limits = json_object_get(specification, "limits");
    gint64 files = list->members, expansion = list->expansion, retries = list->retries;
    bool taken = specification_check(limits, "limits", members, G_N_ELEMENTS(members), error) &&
                 take_bound(limits, "bytes", 1, MOST_BYTES, &list->bytes, error) &&
                 take_bound(limits, "members", 1, MOST_MEMBERS, &files, error) &&
                 take_bound(limits, "expansion", 1, MOST_EXPANSION, &expansion, error) &&
                 take_bound(specification, "retries", 0, MOST_RETRIES, &retries, error);
    list->members = (unsigned)files;
    list->expansion = (unsigned)expansion;
    list->retries = (unsigned)retries;
    return taken;
}

struct fetch_list *fetch_list_read(const json_t *specification, const char *name, const char *base,
                                   GError **error)
{
    static const struct specification_member members[] = {{"files", SPECIFICATION_LIST},
                                                          {"limits", SPECIFICATION_OBJECT},
                                                          {"retries", SPECIFICATION_COUNT}};
    g_autoptr(fetch_list_auto) list = fetch_list_new();
    if (!specification_check(specification, name, members, G_N_ELEMENTS(members), error))
        return NULL;
    if (!take_bounds(list, specification, error) ||
        !take_files(list, json_object_get(specification, "files"), name, base, error) ||
        !fetch_list_check(list, error))
        return NULL;
    return g_steal_pointer(&list);
}
