/* The tables of meta.db, of all rooms. A database whose user_version is N has run the first N of
 * `steps`. To change the schema: append a step. README.md says what else belongs to it. */
#include "store/schema.h"

#include "base/error.h"

static const char resources[] =
    "CREATE TABLE resource ("
    "  kind TEXT NOT NULL, name TEXT NOT NULL, arn TEXT NOT NULL, status TEXT NOT NULL,"
    "  parent TEXT NOT NULL, body TEXT NOT NULL, created REAL NOT NULL, modified REAL NOT NULL,"
    "  PRIMARY KEY (kind, name));"
    "CREATE INDEX resource_arn ON resource (arn);"
    "CREATE INDEX resource_created ON resource (kind, created, name);"
    "CREATE TABLE tag (arn TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
    "  PRIMARY KEY (arn, key)) WITHOUT ROWID;"
    "CREATE TABLE client_token (operation TEXT NOT NULL, token TEXT NOT NULL,"
    "  answer TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (operation, token));"
    "CREATE TABLE metric (namespace TEXT NOT NULL, name TEXT NOT NULL, dimensions TEXT NOT NULL,"
    "  time REAL NOT NULL, unit TEXT NOT NULL, sum REAL NOT NULL, minimum REAL NOT NULL,"
    "  maximum REAL NOT NULL, count REAL NOT NULL);"
    "CREATE INDEX metric_series ON metric (namespace, name, dimensions, time);";

/* Homes of number 1 have these already, made beside their steps: only here may tables exist.
 *
 * Keys are text in binary collation: SQLite compares their bytes, which is S3's order. Bytes of
 * small objects have a table of their own, so that a listing does not wade through them. */
static const char lake[] =
    "CREATE TABLE IF NOT EXISTS lake_bucket (name TEXT PRIMARY KEY, region TEXT NOT NULL,"
    "  created REAL NOT NULL, tags TEXT) WITHOUT ROWID;"
    "CREATE TABLE IF NOT EXISTS lake_object (bucket TEXT NOT NULL, key TEXT NOT NULL,"
    "  file TEXT NOT NULL, row INTEGER, size INTEGER NOT NULL, etag TEXT NOT NULL,"
    "  content_type TEXT, modified REAL NOT NULL, headers TEXT, tags TEXT, parts TEXT,"
    "  PRIMARY KEY (bucket, key)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS lake_object_file ON lake_object (file) WHERE row IS NULL;"
    "CREATE TABLE IF NOT EXISTS lake_bytes (row INTEGER PRIMARY KEY, bytes BLOB NOT NULL);"
    "CREATE TABLE IF NOT EXISTS lake_upload (id TEXT PRIMARY KEY, bucket TEXT NOT NULL,"
    "  key TEXT NOT NULL, initiated REAL NOT NULL, content_type TEXT, headers TEXT, tags TEXT,"
    "  checksum TEXT NOT NULL, full_object INTEGER NOT NULL, file TEXT NOT NULL,"
    "  part_size INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS lake_upload_key ON lake_upload (bucket, key, id);"
    "CREATE INDEX IF NOT EXISTS lake_upload_file ON lake_upload (file);"
    "CREATE TABLE IF NOT EXISTS lake_part (upload TEXT NOT NULL, number INTEGER NOT NULL,"
    "  size INTEGER NOT NULL, md5 TEXT NOT NULL, checksum TEXT, modified REAL NOT NULL,"
    "  file TEXT NOT NULL, offset INTEGER NOT NULL, alone INTEGER NOT NULL,"
    "  PRIMARY KEY (upload, number)) WITHOUT ROWID;"
    "CREATE INDEX IF NOT EXISTS lake_part_file ON lake_part (file);";

/* Whose the files of the lake are: an identity that stands in the lake's folder too, and the runs
 * (the last eight digits of every id that one opening of the lake gives out). A database that has
 * buckets owns the lake beside it, and the files that its rows name. */
static const char lake_owner[] =
    "CREATE TABLE lake_owner (identity TEXT PRIMARY KEY) WITHOUT ROWID;"
    "CREATE TABLE lake_run (run TEXT PRIMARY KEY, started REAL NOT NULL) WITHOUT ROWID;"
    "INSERT INTO lake_owner SELECT lower(hex(randomblob(16)))"
    "  WHERE EXISTS (SELECT 1 FROM lake_bucket);"
    "INSERT INTO lake_run SELECT DISTINCT substr(file, -8), 0 FROM ("
    "  SELECT file FROM lake_object WHERE row IS NULL UNION ALL SELECT file FROM lake_upload"
    "  UNION ALL SELECT file FROM lake_part);";

/* A bucket's settings: documents under the names of what they are (README of src/service/s3). Its
 * tags are one of them. */
static const char settings[] =
    "CREATE TABLE lake_setting (bucket TEXT NOT NULL, name TEXT NOT NULL, document TEXT NOT NULL,"
    "  PRIMARY KEY (bucket, name)) WITHOUT ROWID;"
    "INSERT INTO lake_setting SELECT name, 'Tagging', json_object('Tagging', json_object('TagSet',"
    "  (SELECT json_group_array(json_object('Key', key, 'Value', value)) FROM json_each(tags))))"
    "  FROM lake_bucket WHERE tags IS NOT NULL;"
    "ALTER TABLE lake_bucket DROP COLUMN tags;";

/* Versions beside the current objects, which keep their table to themselves: by key and descending
 * number, so that the newest is found first. Locks of objects, and the buckets that have them. */
static const char versions[] =
    "ALTER TABLE lake_bucket ADD COLUMN versioning TEXT;"
    "ALTER TABLE lake_bucket ADD COLUMN lock TEXT;"
    "ALTER TABLE lake_object ADD COLUMN version TEXT NOT NULL DEFAULT 'null';"
    "ALTER TABLE lake_object ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
    "ALTER TABLE lake_object ADD COLUMN lock TEXT;"
    "ALTER TABLE lake_upload ADD COLUMN lock TEXT;"
    "CREATE TABLE lake_version (bucket TEXT NOT NULL, key TEXT NOT NULL,"
    "  file TEXT NOT NULL, row INTEGER, size INTEGER NOT NULL, etag TEXT NOT NULL,"
    "  content_type TEXT, modified REAL NOT NULL, headers TEXT, tags TEXT, parts TEXT,"
    "  version TEXT NOT NULL, number INTEGER NOT NULL, lock TEXT, marker INTEGER NOT NULL,"
    "  PRIMARY KEY (bucket, key, number DESC)) WITHOUT ROWID;"
    "CREATE UNIQUE INDEX lake_version_id ON lake_version (bucket, key, version);"
    "CREATE INDEX lake_version_file ON lake_version (file) WHERE row IS NULL AND NOT marker;";

/* What belongs to a resource that lives long, a row each (entry.h). Steps of executions stood in
 * their bodies before. */
static const char entries[] =
    "CREATE TABLE entry (kind TEXT NOT NULL, owner TEXT NOT NULL, number INTEGER NOT NULL,"
    "  word TEXT, body TEXT NOT NULL, PRIMARY KEY (kind, owner, number));"
    "CREATE INDEX entry_word ON entry (kind, word) WHERE word IS NOT NULL;"
    "INSERT INTO entry SELECT kind, name, step.key + 1, resource.parent || '/' ||"
    "  json_extract(step.value, '$.StepName') || '/' || json_extract(step.value, '$.CacheKey'),"
    "  step.value FROM resource, json_each(body, '$.Steps') AS step"
    "  WHERE kind = 'pipeline-execution';"
    "UPDATE resource SET body = json_remove(body, '$.Steps') WHERE kind = 'pipeline-execution';";

/* The data catalog (src/catalog). Ids of tables are never used again. A partition's key is its
 * values as one text; what partitions of a table share of their descriptors is a layout. */
static const char catalog[] =
    "CREATE TABLE catalog_database (name TEXT PRIMARY KEY, body TEXT NOT NULL,"
    "  created REAL NOT NULL) WITHOUT ROWID;"
    "INSERT INTO catalog_database VALUES ('default', '{\"Description\":\"Default Hive database\"}',"
    "  (julianday('now') - 2440587.5) * 86400.0);"
    "CREATE TABLE catalog_table (id INTEGER PRIMARY KEY AUTOINCREMENT, database TEXT NOT NULL,"
    "  name TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, created_by TEXT,"
    "  created REAL NOT NULL, updated REAL NOT NULL, indexes TEXT, UNIQUE (database, name));"
    "CREATE TABLE catalog_version (table_id INTEGER NOT NULL, version INTEGER NOT NULL,"
    "  body TEXT NOT NULL, updated REAL NOT NULL, PRIMARY KEY (table_id, version)) WITHOUT ROWID;"
    "CREATE TABLE catalog_layout (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL,"
    "  text TEXT NOT NULL);"
    "CREATE INDEX catalog_layout_table ON catalog_layout (table_id);"
    "CREATE TABLE catalog_partition (id INTEGER PRIMARY KEY, table_id INTEGER NOT NULL,"
    "  key TEXT NOT NULL, location TEXT, layout INTEGER NOT NULL, body TEXT NOT NULL,"
    "  created REAL NOT NULL, UNIQUE (table_id, key));"
    "CREATE TABLE catalog_statistics (table_id INTEGER NOT NULL, key TEXT NOT NULL,"
    "  name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (table_id, key, name)) WITHOUT ROWID;"
    "CREATE TABLE catalog_function (database TEXT NOT NULL, name TEXT NOT NULL,"
    "  body TEXT NOT NULL, created REAL NOT NULL, PRIMARY KEY (database, name)) WITHOUT ROWID;";

/* What resources report of themselves (series.h). That of trial components stood in their entries,
 * a batch each, and summed up in their bodies. number: -1 of what is no number; else it tells
 * points apart that are the same. */
static const char series[] =
    "CREATE TABLE series (id INTEGER PRIMARY KEY, kind TEXT NOT NULL, owner TEXT NOT NULL,"
    "  name TEXT NOT NULL, count INTEGER NOT NULL, minimum REAL, maximum REAL, mean REAL,"
    "  deviation REAL, last REAL, last_time INTEGER, latest REAL, latest_time INTEGER,"
    "  latest_step INTEGER, UNIQUE (kind, owner, name));"
    "CREATE TABLE series_point (series INTEGER NOT NULL, time INTEGER NOT NULL,"
    "  step INTEGER NOT NULL, value REAL NOT NULL, number INTEGER NOT NULL,"
    "  PRIMARY KEY (series, time, step, value, number)) WITHOUT ROWID;"
    "INSERT INTO series SELECT NULL, kind, resource.name, metric.value ->> 'MetricName',"
    "  metric.value ->> 'Count', metric.value ->> 'Min', metric.value ->> 'Max',"
    "  metric.value ->> 'Avg', metric.value ->> 'StdDev', metric.value ->> 'Last',"
    "  CAST((metric.value ->> 'TimeStamp') * 1000 AS INTEGER), metric.value ->> 'Last',"
    "  CAST((metric.value ->> 'TimeStamp') * 1000 AS INTEGER), -9223372036854775807 - 1"
    "  FROM resource, json_each(body, '$.Metrics') AS metric"
    "  WHERE kind = 'experiment-trial-component' AND metric.value ->> 'SourceArn' = arn;"
    "INSERT INTO series_point SELECT series.id, CAST((datum.value ->> 'Timestamp') * 1000 AS"
    "  INTEGER), coalesce(datum.value ->> 'Step', -9223372036854775807 - 1),"
    "  datum.value ->> 'Value', row_number() OVER () FROM entry,"
    "  json_each(entry.body, '$.MetricData') AS datum JOIN series ON series.kind = entry.kind AND"
    "  series.owner = entry.owner AND series.name = datum.value ->> 'MetricName'"
    "  WHERE entry.kind = 'experiment-trial-component';"
    "DELETE FROM entry WHERE kind = 'experiment-trial-component';"
    "UPDATE resource SET body = json_set(json_remove(body, '$.MetricBatches'), '$.Metrics',"
    "  (SELECT json_group_array(json(value)) FROM json_each(body, '$.Metrics')"
    "  WHERE value ->> 'SourceArn' <> arn))"
    "  WHERE kind = 'experiment-trial-component' AND body ->> '$.Metrics' IS NOT NULL;";

/* Append only: a step that was released is never changed, moved or removed. */
static const char *const steps[] = {
    resources,  /* 1 */
    lake,       /* 2 */
    lake_owner, /* 3 */
    settings,   /* 4 */
    versions,   /* 5 */
    entries,    /* 6 */
    catalog,    /* 7 */
    series,     /* 8 */
};

enum { LAST_STEP = G_N_ELEMENTS(steps) };

static bool execute(sqlite3 *handle, const char *sql, const char *doing, GError **error)
{
    if (sqlite3_exec(handle, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return error_set(error, ERROR_INTERNAL, "%s: the store says: %s", doing,
                     sqlite3_errmsg(handle));
}

/* The first column of the one row of a query. */
static bool read_number(sqlite3 *handle, const char *sql, int *number, GError **error)
{
    sqlite3_stmt *statement;
    int code = sqlite3_prepare_v2(handle, sql, -1, &statement, NULL);
    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW)
        *number = sqlite3_column_int(statement, 0);
    else
        error_set(error, ERROR_INTERNAL, "reading the number of the schema: %s",
                  sqlite3_errmsg(handle));
    sqlite3_finalize(statement);
    return code == SQLITE_ROW;
}

static bool run_steps(sqlite3 *handle, int number, GError **error)
{
    for (int step = number + 1; step <= LAST_STEP; step++) {
        g_autofree char *doing = g_strdup_printf("step %d of the schema", step);
        if (!execute(handle, steps[step - 1], doing, error))
            return false;
    }
    g_autofree char *sql = g_strdup_printf("PRAGMA user_version=%d", LAST_STEP);
    return execute(handle, sql, "numbering the schema", error);
}

bool schema_check(sqlite3 *handle, const char *path, int *number, GError **error)
{
    int tables, ours;
    if (!read_number(handle, "PRAGMA user_version", number, error) ||
        !read_number(handle, "SELECT count(*) FROM sqlite_schema", &tables, error) ||
        !read_number(handle, "SELECT count(*) FROM sqlite_schema WHERE name = 'resource'", &ours,
                     error))
        return false;
    if (*number > LAST_STEP && ours)
        return error_set(error, ERROR_INTERNAL,
                         "%s was written by a later lathe: its schema is number %d, and this lathe "
                         "knows those up to %d. Open it with the lathe that wrote it, or a later "
                         "one",
                         path, *number, LAST_STEP);
    if (*number ? !ours : tables)
        return error_set(error, ERROR_INTERNAL,
                         "%s is a database of another program: it has %d tables and indexes, and "
                         "not those of lathe. Nothing was changed; put lathe's own there, or name "
                         "another home",
                         path, tables);
    return true;
}

/* One change: a new home waits for the disk once, and one that is cut off is as it was. */
bool schema_upgrade(sqlite3 *handle, int number, GError **error)
{
    if (number == LAST_STEP)
        return true;
    static const char doing[] = "changing the schema";
    if (!execute(handle, "BEGIN IMMEDIATE", doing, error))
        return false;
    if (run_steps(handle, number, error) && execute(handle, "COMMIT", doing, error))
        return true;
    sqlite3_exec(handle, "ROLLBACK", NULL, NULL, NULL);
    return false;
}
