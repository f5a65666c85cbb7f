#include "store/metric.h"

#include <math.h>
#include <string.h>

#include "base/error.h"

/* ---- dimensions as one text ---- */

static int by_name(const void *a, const void *b, void *data)
{
    (void)data;
    return g_strcmp0(json_text_at(*(json_t *const *)a, "Name"),
                     json_text_at(*(json_t *const *)b, "Name"));
}

/* The dimensions in order of their names, as JSON: the same set is the same text. g_free. */
static char *dimensions_text(const json_t *dimensions)
{
    size_t count = json_array_size(dimensions);
    g_autofree json_t **order = g_new(json_t *, count + 1);
    for (size_t i = 0; i < count; i++)
        order[i] = json_array_get(dimensions, i);
    g_qsort_with_data(order, (int)count, sizeof *order, by_name, NULL);
    g_autoptr(json_auto) sorted = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(sorted, json_pack("{ssss}", "Name", json_text_at(order[i], "Name"),
                                                "Value", json_text_at(order[i], "Value")));
    return json_text_of(sorted);
}

/* ---- writing ---- */

struct record {
    char *name_space, *name, *dimensions, *unit;
    double time, sum, minimum, maximum, count;
};

static void free_record(void *data)
{
    struct record *record = data;
    g_free(record->name_space);
    g_free(record->name);
    g_free(record->dimensions);
    g_free(record->unit);
    g_free(record);
}

static bool insert(struct store_connection *connection, void *data, GError **error)
{
    const struct record *record = data;
    return store_run(connection, error,
                     "INSERT INTO metric (namespace, name, dimensions, time, unit, sum, minimum, "
                     "maximum, count) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                     "sssdsdddd", record->name_space, record->name, record->dimensions,
                     record->time, record->unit, record->sum, record->minimum, record->maximum,
                     record->count);
}

/* dimensions is taken. */
static struct record *record_of(const struct metric_datum *datum, char *dimensions)
{
    struct record *record = g_new(struct record, 1);
    *record = (struct record){
        .name_space = g_strdup(datum->name_space),
        .name = g_strdup(datum->name),
        .dimensions = dimensions,
        .unit = g_strdup(datum->unit ? datum->unit : "None"),
        .time = datum->time,
        .sum = datum->sum,
        .minimum = datum->minimum,
        .maximum = datum->maximum,
        .count = datum->count,
    };
    return record;
}

/* Data of one source have one list of dimensions, which is written once. */
static GPtrArray *records_of(const GArray *data)
{
    GPtrArray *records = g_ptr_array_new_with_free_func(free_record);
    const json_t *written = NULL;
    for (guint i = 0; i < data->len; i++) {
        const struct metric_datum *datum = &g_array_index(data, struct metric_datum, i);
        const struct record *last = i ? g_ptr_array_index(records, i - 1) : NULL;
        bool again = last && datum->dimensions == written;
        g_ptr_array_add(records, record_of(datum, again ? g_strdup(last->dimensions)
                                                        : dimensions_text(datum->dimensions)));
        written = datum->dimensions;
    }
    return records;
}

static bool insert_all(struct store_connection *connection, void *data, GError **error)
{
    const GPtrArray *records = data;
    for (guint i = 0; i < records->len; i++)
        if (!insert(connection, records->pdata[i], error))
            return false;
    return true;
}

static void free_records(void *records)
{
    g_ptr_array_unref(records);
}

void metric_put_later(struct store *store, const GArray *data)
{
    store_write_later(store, insert_all, records_of(data), free_records);
}

bool metric_put(struct store *store, const GArray *data, GError **error)
{
    g_autoptr(GPtrArray) records = records_of(data);
    return store_write(store, insert_all, records, error);
}

/* ---- reading ---- */

struct reading {
    const struct metric_query *query;
    GArray *periods;
};

static void add_to_period(GArray *periods, double time, struct store_rows *row)
{
    struct metric_period datum = {
        .time = time,
        .sum = store_double(row, 2),
        .minimum = store_double(row, 3),
        .maximum = store_double(row, 4),
        .count = store_double(row, 5),
    };
    g_strlcpy(datum.unit, store_text(row, 1), sizeof datum.unit);
    struct metric_period *last =
        periods->len ? &g_array_index(periods, struct metric_period, periods->len - 1) : NULL;
    if (!last || last->time != time) {
        g_array_append_val(periods, datum);
        return;
    }
    last->sum += datum.sum;
    last->count += datum.count;
    last->minimum = fmin(last->minimum, datum.minimum);
    last->maximum = fmax(last->maximum, datum.maximum);
}

static bool read_data(struct store_connection *connection, void *data, GError **error)
{
    struct reading *reading = data;
    const struct metric_query *query = reading->query;
    g_autofree char *dimensions = dimensions_text(query->dimensions);
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT time, unit, sum, minimum, maximum, count FROM metric WHERE namespace = ? AND "
        "name = ? AND dimensions = ? AND time >= ? AND time < ? AND (?6 IS NULL OR unit = ?6) "
        "ORDER BY time",
        "sssdds", query->name_space, query->name, dimensions, query->start, query->end,
        query->unit);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        double time = floor(store_double(rows, 0) / query->period) * query->period;
        add_to_period(reading->periods, time, rows);
    }
    return step == STORE_END;
}

GArray *metric_read(struct store *store, const struct metric_query *query, GError **error)
{
    g_autoptr(GArray) periods = g_array_new(FALSE, FALSE, sizeof(struct metric_period));
    struct reading reading = {query, periods};
    return store_read(store, read_data, &reading, error) ? g_steal_pointer(&periods) : NULL;
}

struct one_series {
    const char *name_space, *name;
    char *dimensions;
    GArray *values;
};

static bool read_values(struct store_connection *connection, void *data, GError **error)
{
    const struct one_series *series = data;
    struct store_rows *rows =
        store_ask(connection, error,
                  "SELECT sum / count FROM metric WHERE namespace = ? AND "
                  "name = ? AND dimensions = ? ORDER BY time, rowid",
                  "sss", series->name_space, series->name, series->dimensions);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW) {
        double value = store_double(rows, 0);
        g_array_append_val(series->values, value);
    }
    return step == STORE_END;
}

GArray *metric_values(struct store *store, const char *name_space, const char *name,
                      const json_t *dimensions, GError **error)
{
    g_autoptr(GArray) values = g_array_new(FALSE, FALSE, sizeof(double));
    g_autofree char *text = dimensions_text(dimensions);
    struct one_series series = {name_space, name, text, values};
    return store_read(store, read_values, &series, error) ? g_steal_pointer(&values) : NULL;
}

struct listing {
    const char *name_space, *name;
    json_t *found;
};

static bool read_list(struct store_connection *connection, void *data, GError **error)
{
    struct listing *listing = data;
    struct store_rows *rows = store_ask(
        connection, error,
        "SELECT DISTINCT namespace, name, dimensions FROM metric WHERE (?1 IS NULL OR namespace = "
        "?1) AND (?2 IS NULL OR name = ?2) ORDER BY namespace, name, dimensions",
        "ss", listing->name_space, listing->name);
    enum store_step step;
    while ((step = store_next(rows, error)) == STORE_ROW)
        json_array_append_new(listing->found,
                              json_pack("{ssssso}", "Namespace", store_text(rows, 0), "MetricName",
                                        store_text(rows, 1), "Dimensions",
                                        json_loads(store_text(rows, 2), 0, NULL)));
    return step == STORE_END;
}

json_t *metric_list(struct store *store, const char *name_space, const char *name, GError **error)
{
    g_autoptr(json_auto) found = json_array();
    struct listing listing = {name_space, name, found};
    return store_read(store, read_list, &listing, error) ? g_steal_pointer(&found) : NULL;
}

/* ---- growing old ---- */

#define DAY_SECONDS 86400.0

/* Data older than `age` days are put together to periods of so many seconds. */
static const struct {
    double age, period;
} ages[] = {{15, 300}, {63, 3600}};
static const double longest_age = 455;

/* What has begun before `end` and is not at the beginning of a period becomes one datum a period.
 * A period that has all its data at its beginning is one already. */
static bool merge(struct store_connection *connection, double end, double period, GError **error)
{
    static const char series[] = "namespace, name, dimensions, unit";
    g_autofree char *add = g_strdup_printf(
        "INSERT INTO metric (%s, time, sum, minimum, maximum, count) SELECT %s, "
        "-(CAST(time / ?2 AS INTEGER) * ?2), sum(sum), min(minimum), max(maximum), sum(count) "
        "FROM metric WHERE time < ?1 GROUP BY %s, CAST(time / ?2 AS INTEGER) "
        "HAVING count(*) > 1 OR min(time) > CAST(time / ?2 AS INTEGER) * ?2",
        series, series, series);
    /* The new ones are marked by a negative time until those that they stand for are gone. */
    return store_run(connection, error, add, "dd", end, period) &&
           store_run(connection, error,
                     "DELETE FROM metric WHERE time >= 0 AND time < ?1 AND EXISTS (SELECT 1 FROM "
                     "metric AS m WHERE m.namespace = metric.namespace AND m.name = metric.name "
                     "AND m.dimensions = metric.dimensions AND m.unit = metric.unit AND m.time = "
                     "-(CAST(metric.time / ?2 AS INTEGER) * ?2))",
                     "dd", end, period) &&
           store_run(connection, error, "UPDATE metric SET time = -time WHERE time < 0", "");
}

static bool trim(struct store_connection *connection, void *data, GError **error)
{
    double now = *(const double *)data;
    if (!store_run(connection, error, "DELETE FROM metric WHERE time < ?", "d",
                   now - longest_age * DAY_SECONDS))
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(ages); i++) {
        double end = floor((now - ages[i].age * DAY_SECONDS) / ages[i].period) * ages[i].period;
        if (!merge(connection, end, ages[i].period, error))
            return false;
    }
    return true;
}

bool metric_trim(struct store *store, double now, GError **error)
{
    return store_write_spare(store, trim, &now, error);
}

struct series {
    const char *name_space, *dimensions;
};

static bool remove_series(struct store_connection *connection, void *data, GError **error)
{
    const struct series *series = data;
    return store_run(connection, error, "DELETE FROM metric WHERE namespace = ? AND dimensions = ?",
                     "ss", series->name_space, series->dimensions);
}

bool metric_remove(struct store *store, const char *name_space, const json_t *dimensions,
                   GError **error)
{
    g_autofree char *text = dimensions_text(dimensions);
    struct series series = {name_space, text};
    return store_write_spare(store, remove_series, &series, error);
}
