/* Listings of versions: two ranges, of current objects and of older versions, merged by key and
 * descending number while they are read. */
#include <string.h>

#include "lake/lake_inside.h"

void lake_versions_page_clear(struct lake_versions_page *page)
{
    lake_page_clear(&page->page);
    g_clear_pointer(&page->next_version, g_free);
}

/* SQLite merges what two indexes give in order (MERGE in its plan), so this reads no more rows than
 * are asked for. */
#define VERSIONS(condition)                                                       \
    "SELECT " LAKE_OBJECT_COLUMNS ", 0 AS marker, 1 AS current FROM lake_object " \
    "WHERE bucket = ?1 AND " condition " UNION ALL "                              \
    "SELECT " LAKE_OBJECT_COLUMNS ", marker, 0 FROM lake_version "                \
    "WHERE bucket = ?1 AND " condition " ORDER BY key, number DESC"

enum { CURRENT_COLUMN = 15 };

struct listing {
    const struct lake *lake;
    struct store_connection *connection;
    const char *bucket;
    struct lake_query query; /* prefix is not NULL */
    struct lake_versions_page *page;
    char *key; /* of the row before, whose later rows are not the latest */
};

/* The number of a version that a client names: that of its row, else what its id says. */
static bool number_of(const struct listing *listing, const char *version, gint64 *number,
                      GError **error)
{
    g_autoptr(lake_object_auto) object = NULL;
    if (!lake_read_row(listing->lake, listing->connection, listing->bucket, listing->query.after,
                       version, &object, error))
        return false;
    *number = object ? object->number : lake_version_number(version);
    return true;
}

/* Whether the key that the page before ended in has a version at or above the one it ended with:
 * the rest is not the latest then. */
static bool has_newer(const struct listing *listing, gint64 number, bool *found, GError **error)
{
    struct store_rows *row =
        store_ask(listing->connection, error,
                  "SELECT 1 FROM lake_object WHERE bucket = ?1 AND key = ?2 AND number >= ?3 "
                  "UNION ALL SELECT 1 FROM lake_version WHERE bucket = ?1 AND key = ?2 AND "
                  "number >= ?3 LIMIT 1",
                  "ssi", listing->bucket, listing->query.after, number);
    enum store_step step = store_next(row, error);
    store_end(row);
    *found = step == STORE_ROW;
    return step != STORE_FAILED;
}

/* The rest of the key that the page before ended in. */
static struct store_rows *rest_of_key(struct listing *listing, const char *version, GError **error)
{
    gint64 number;
    bool newer;
    if (!number_of(listing, version, &number, error) || !has_newer(listing, number, &newer, error))
        return NULL;
    listing->key = newer ? g_strdup(listing->query.after) : NULL;
    return store_ask(listing->connection, error, VERSIONS("key = ?2 AND number < ?3"), "ssi",
                     listing->bucket, listing->query.after, number);
}

static struct store_rows *keys_from(struct listing *listing, const char *after, GError **error)
{
    return store_ask(listing->connection, error,
                     after ? VERSIONS("key > ?2") : VERSIONS("key >= ?2"), "sS", listing->bucket,
                     after ? after : listing->query.prefix);
}

static void end_page_with(struct lake_versions_page *page, const char *key, const char *version)
{
    g_free(page->page.next);
    g_free(page->next_version);
    page->page.next = g_strdup(key);
    page->next_version = g_strdup(version);
}

/* Takes the row that the scan stands on. Where it begins a common prefix: the scan goes on after
 * `*leap`. */
static void take_row(struct listing *listing, struct store_rows *row, char **leap)
{
    struct lake_versions_page *page = listing->page;
    const char *key = store_text(row, 1);
    size_t folded = lake_fold(&listing->query, key);
    if (folded) {
        char *prefix = g_strndup(key, folded);
        g_ptr_array_add(page->page.prefixes, prefix);
        end_page_with(page, prefix, NULL);
        *leap = lake_past(prefix);
        return;
    }
    struct lake_object *object = lake_object_of_row(listing->lake, row);
    object->latest = store_int(row, CURRENT_COLUMN) || g_strcmp0(listing->key, key) != 0;
    g_ptr_array_add(page->page.objects, object);
    end_page_with(page, key, object->version);
    g_free(listing->key);
    listing->key = g_strdup(key);
}

/* Reads rows until the page is full (*truncated) or the rows end. */
static bool fill(struct listing *listing, struct store_rows *rows, bool *truncated, GError **error)
{
    const struct lake_page *page = &listing->page->page;
    const struct lake_query *query = &listing->query;
    enum store_step step = rows ? STORE_END : STORE_FAILED;
    while (query->limit && (step = store_next(rows, error)) == STORE_ROW) {
        if (!g_str_has_prefix(store_text(rows, 1), query->prefix))
            break;
        *truncated = page->objects->len + page->prefixes->len == query->limit;
        if (*truncated)
            break;
        char *leap = NULL;
        take_row(listing, rows, &leap);
        if (leap) {
            store_end(rows);
            rows = keys_from(listing, leap, error);
            g_free(leap);
        }
    }
    store_end(rows);
    return step != STORE_FAILED;
}

static bool list(struct listing *listing, const char *after_version, GError **error)
{
    bool truncated = false;
    g_autofree char *after = lake_list_start(&listing->query);
    if (!lake_require_bucket(listing->connection, listing->bucket, error) ||
        (after && after_version &&
         !fill(listing, rest_of_key(listing, after_version, error), &truncated, error)) ||
        (!truncated && !fill(listing, keys_from(listing, after, error), &truncated, error)))
        return false;
    if (!truncated)
        end_page_with(listing->page, NULL, NULL);
    return true;
}

struct request {
    struct listing listing;
    const char *after_version;
};

static bool read_list(struct store_connection *connection, void *data, GError **error)
{
    struct request *request = data;
    request->listing.connection = connection;
    return list(&request->listing, request->after_version, error);
}

bool lake_list_versions(struct lake *lake, const char *bucket,
                        const struct lake_versions_query *query, struct lake_versions_page *page,
                        GError **error)
{
    *page = (struct lake_versions_page){0};
    lake_page_init(&page->page);
    struct request request = {{.lake = lake, .bucket = bucket, .query = query->query, .page = page},
                              query->after_version};
    if (!request.listing.query.prefix)
        request.listing.query.prefix = "";
    bool listed = store_read(lake->store, read_list, &request, error);
    g_free(request.listing.key);
    if (!listed)
        lake_versions_page_clear(page);
    return listed;
}
