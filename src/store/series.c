#include "store/series.h"

#include <math.h>
#include <string.h>

/* ---- summing up ---- */

/* By Welford's method, which does not cancel; in terms that no finite values make overflow. */
void series_summary_add(struct series_summary *summary, double value, gint64 time)
{
    bool first = summary->count++ == 0;
    double count = (double)summary->count;
    double half_distance = value / 2 - summary->mean / 2;
    summary->deviation = first ? 0
                               : hypot(summary->deviation * sqrt((count - 1) / count),
                                       half_distance * (2 * sqrt(count - 1) / count));
    summary->mean += value / count - summary->mean / count;
    summary->minimum = first ? value : MIN(summary->minimum, value);
    summary->maximum = first ? value : MAX(summary->maximum, value);
    if (!first && time < summary->time)
        return;
    summary->last = value;
    summary->time = time;
}

static int compare(gint64 a, gint64 b)
{
    return (a > b) - (a < b);
}

/* No number counts as 0, as MLflow has it. */
static bool is_later(const struct series_point *one, const struct series_point *other)
{
    int order = compare(one->step, other->step);
    if (!order)
        order = compare(one->time, other->time);
    double a = isnan(one->value) ? 0 : one->value, b = isnan(other->value) ? 0 : other->value;
    return order ? order > 0 : a > b;
}

/* ---- rows ---- */

/* A series while points are added. */
struct growing {
    gint64 id;
    bool is_new; /* it has no point yet */
    struct series series;
};

static void free_growing(void *data)
{
    struct growing *growing = data;
    g_free(growing->series.name);
    g_free(growing);
}

#define COLUMNS                                                                                  \
    "id, name, count, minimum, maximum, mean, deviation, last, last_time, latest, latest_time, " \
    "latest_step"

static struct series series_of_row(struct store_rows *row)
{
    return (struct series){
        .name = store_text_copy(row, 1),
        .summary = {store_int(row, 2), store_double(row, 3), store_double(row, 4),
                    store_double(row, 5), store_double(row, 6), store_double(row, 7),
                    store_int(row, 8)},
        .latest = {.value = store_is_null(row, 9) ? NAN : store_double(row, 9),
                   .time = store_int(row, 10),
                   .step = store_int(row, 11)},
    };
}

static bool find(struct store_connection *connection, const char *kind, const char *owner,
                 const char *name, struct growing **found, GError **error)
{
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT " COLUMNS " FROM series WHERE kind = ? AND owner = ? AND name = ?", "sss",
                  kind, owner, name);
    enum store_step step = store_next(rows, error);
    if (step != STORE_ROW)
        return step == STORE_END;
    *found = g_new0(struct growing, 1);
    (*found)->id = store_int(rows, 0);
    (*found)->series = series_of_row(rows);
    store_end(rows);
    return true;
}

static struct growing *begin(struct store_connection *connection, const char *kind,
                             const char *owner, const char *name, GError **error)
{
    struct growing *found = NULL;
    if (!find(connection, kind, owner, name, &found, error) || found)
        return found;
    if (!store_run(connection, error,
                   "INSERT INTO series (kind, owner, name, count) VALUES (?, ?, ?, 0)", "sss", kind,
                   owner, name))
        return NULL;
    found = g_new0(struct growing, 1);
    found->id = store_last_row(connection);
    found->is_new = true;
    found->series.name = g_strdup(name);
    return found;
}

/* What a point is told apart by from others of the same time, step and value. */
static gint64 number_of(const struct growing *growing, const struct series_point *point,
                        bool repeats)
{
    if (isnan(point->value))
        return -1;
    return repeats ? growing->series.summary.count + 1 : 0;
}

static bool add_point(struct store_connection *connection, struct growing *growing,
                      const struct series_point *point, bool repeats, GError **error)
{
    if (!store_run(connection, error,
                   "INSERT OR IGNORE INTO series_point (series, time, step, value, number) "
                   "VALUES (?, ?, ?, ?, ?)",
                   "iiidi", growing->id, point->time, point->step,
                   isnan(point->value) ? 0.0 : point->value, number_of(growing, point, repeats)))
        return false;
    if (store_changes(connection) == 0)
        return true;
    struct series *series = &growing->series;
    if (isfinite(point->value))
        series_summary_add(&series->summary, point->value, point->time);
    if (growing->is_new || is_later(point, &series->latest))
        series->latest = *point;
    growing->is_new = false;
    return true;
}

static bool write_series(struct store_connection *connection, const struct growing *growing,
                         GError **error)
{
    const struct series_summary *summary = &growing->series.summary;
    const struct series_point *latest = &growing->series.latest;
    /* SQLite keeps NaN as NULL. */
    return store_run(connection, error,
                     "UPDATE series SET count = ?, minimum = ?, maximum = ?, mean = ?, "
                     "deviation = ?, last = ?, last_time = ?, latest = ?, latest_time = ?, "
                     "latest_step = ? WHERE id = ?",
                     "idddddidiii", summary->count, summary->minimum, summary->maximum,
                     summary->mean, summary->deviation, summary->last, summary->time, latest->value,
                     latest->time, latest->step, growing->id);
}

static bool write_all(struct store_connection *connection, GHashTable *grown, GError **error)
{
    GHashTableIter iter;
    void *growing;
    g_hash_table_iter_init(&iter, grown);
    while (g_hash_table_iter_next(&iter, NULL, &growing))
        if (!write_series(connection, growing, error))
            return false;
    return true;
}

bool series_add(struct store_connection *connection, const char *kind, const char *owner,
                const struct series_point *points, size_t count, bool repeats, GError **error)
{
    g_autoptr(GHashTable) grown =
        g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_growing);
    for (size_t i = 0; i < count; i++) {
        struct growing *growing = g_hash_table_lookup(grown, points[i].name);
        if (!growing) {
            growing = begin(connection, kind, owner, points[i].name, error);
            if (!growing)
                return false;
            g_hash_table_insert(grown, growing->series.name, growing);
        }
        if (!add_point(connection, growing, &points[i], repeats, error))
            return false;
    }
    return write_all(connection, grown, error);
}

/* ---- reading ---- */

static void free_series(void *data)
{
    struct series *series = data;
    g_free(series->name);
    g_free(series);
}

GPtrArray *series_list_within(struct store_connection *connection, const char *kind,
                              const char *owner, GError **error)
{
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(free_series);
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT " COLUMNS " FROM series WHERE kind = ? AND owner = ? ORDER BY name", "ss",
                  kind, owner);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        struct series *series = g_new(struct series, 1);
        *series = series_of_row(rows);
        g_ptr_array_add(found, series);
    }
    return step == STORE_END ? g_steal_pointer(&found) : NULL;
}

struct listing {
    const char *kind, *owner;
    GPtrArray *found;
};

static bool list(struct store_connection *connection, void *data, GError **error)
{
    struct listing *listing = data;
    listing->found = series_list_within(connection, listing->kind, listing->owner, error);
    return listing->found != NULL;
}

GPtrArray *series_list(struct store *store, const char *kind, const char *owner, GError **error)
{
    struct listing listing = {kind, owner, NULL};
    store_read(store, list, &listing, error);
    return listing.found;
}

struct reading {
    const struct series_query *query;
    GArray *points;
};

#define POINTS                                                                                  \
    "SELECT time, step, value, number FROM series_point WHERE series = (SELECT id FROM series " \
    "WHERE kind = ? AND owner = ? AND name = ?) ORDER BY "

static bool read_points(struct store_connection *connection, void *data, GError **error)
{
    struct reading *reading = data;
    const struct series_query *query = reading->query;
    const char *sql = query->by_step ? POINTS "step, time, value, number LIMIT ? OFFSET ?"
                                     : POINTS "time, step, value, number LIMIT ? OFFSET ?";
    struct store_rows *rows =
        store_ask(connection, error, sql, "sssii", query->kind, query->owner, query->name,
                  query->limit ? query->limit : (gint64)-1, query->offset);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        struct series_point point = {.time = store_int(rows, 0),
                                     .step = store_int(rows, 1),
                                     .value = store_int(rows, 3) < 0 ? NAN : store_double(rows, 2)};
        g_array_append_val(reading->points, point);
    }
    return step == STORE_END;
}

GArray *series_points(struct store *store, const struct series_query *query, GError **error)
{
    g_autoptr(GArray) points = g_array_new(FALSE, FALSE, sizeof(struct series_point));
    struct reading reading = {query, points};
    return store_read(store, read_points, &reading, error) ? g_steal_pointer(&points) : NULL;
}
