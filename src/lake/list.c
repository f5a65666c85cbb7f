/* Listings: a scan of a range of keys, which leaps over what lies below a common prefix. */
#include <string.h>

#include "base/error.h"
#include "lake/lake_inside.h"

static void free_object(void *object)
{
    lake_object_free(object);
}

void lake_page_init(struct lake_page *page)
{
    *page = (struct lake_page){g_ptr_array_new_with_free_func(free_object),
                               g_ptr_array_new_with_free_func(g_free), NULL};
}

void lake_page_clear(struct lake_page *page)
{
    g_clear_pointer(&page->objects, g_ptr_array_unref);
    g_clear_pointer(&page->prefixes, g_ptr_array_unref);
    g_clear_pointer(&page->next, g_free);
}

size_t lake_fold(const struct lake_query *query, const char *key)
{
    if (!query->delimiter || !*query->delimiter)
        return 0;
    const char *found = strstr(key + strlen(query->prefix), query->delimiter);
    return found ? (size_t)(found - key) + strlen(query->delimiter) : 0;
}

char *lake_past(const char *prefix)
{
    return g_strconcat(prefix, "\xff", NULL);
}

/* The rows after `after`, or from `prefix` on where that is NULL. */
static struct store_rows *scan(struct store_connection *connection, const char *bucket,
                               const char *prefix, const char *after, GError **error)
{
    return store_ask(connection, error,
                     after ? "SELECT " LAKE_OBJECT_COLUMNS
                             " FROM lake_object WHERE bucket = ? AND key > ? ORDER BY key"
                           : "SELECT " LAKE_OBJECT_COLUMNS
                             " FROM lake_object WHERE bucket = ? AND key >= ? ORDER BY key",
                     "sS", bucket, after ? after : prefix);
}

struct listing {
    const struct lake *lake;
    const char *bucket;
    struct lake_query query; /* prefix is not NULL */
    struct lake_page *page;
};

char *lake_list_start(const struct lake_query *query)
{
    if (!query->after || strcmp(query->after, query->prefix) < 0)
        return NULL;
    bool folded = g_str_has_prefix(query->after, query->prefix) &&
                  lake_fold(query, query->after) == strlen(query->after);
    return folded ? lake_past(query->after) : g_strdup(query->after);
}

/* Takes the row that the scan stands on. Where it begins a common prefix: the scan goes on after
 * `*leap`. */
static void take_row(struct listing *listing, struct store_rows *row, char **leap)
{
    struct lake_page *page = listing->page;
    const char *key = store_text(row, 1);
    size_t folded = lake_fold(&listing->query, key);
    g_free(page->next);
    if (folded) {
        char *prefix = g_strndup(key, folded);
        g_ptr_array_add(page->prefixes, prefix);
        page->next = g_strdup(prefix);
        *leap = lake_past(prefix);
    } else {
        g_ptr_array_add(page->objects, lake_object_of_row(listing->lake, row));
        page->next = g_strdup(key);
    }
}

static bool list(struct store_connection *connection, void *data, GError **error)
{
    struct listing *listing = data;
    struct lake_page *page = listing->page;
    const struct lake_query *query = &listing->query;
    if (!lake_require_bucket(connection, listing->bucket, error))
        return false;
    g_autofree char *after = lake_list_start(query);
    struct store_rows *rows = scan(connection, listing->bucket, query->prefix, after, error);
    bool truncated = false;
    enum store_step step = rows ? STORE_END : STORE_FAILED;
    while (query->limit && (step = store_next(rows, error)) == STORE_ROW) {
        if (!g_str_has_prefix(store_text(rows, 1), query->prefix))
            break;
        truncated = page->objects->len + page->prefixes->len == query->limit;
        if (truncated)
            break;
        char *leap = NULL;
        take_row(listing, rows, &leap);
        if (leap) {
            store_end(rows);
            rows = scan(connection, listing->bucket, query->prefix, leap, error);
            g_free(leap);
        }
    }
    store_end(rows);
    if (!truncated)
        g_clear_pointer(&page->next, g_free);
    return step != STORE_FAILED;
}

bool lake_list_page(struct lake *lake, const char *bucket, const struct lake_query *query,
                    struct lake_page *page, GError **error)
{
    lake_page_init(page);
    struct listing listing = {lake, bucket, *query, page};
    if (!listing.query.prefix)
        listing.query.prefix = "";
    if (store_read(lake->store, list, &listing, error))
        return true;
    lake_page_clear(page);
    return false;
}
