/* Statements in DuckDB's words over files, in processes of the engine: this very program. What is
 * expected of Hive's SerDes and of Athena's results is written from their documentation. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "table/engine.h"

struct fixture {
    struct engine *engine;
    char *folder;
};

static int open_engine(void **state)
{
    static char program[] = "/proc/self/exe", verb[] = "engine", memory[] = "268435456",
                threads[] = "2";
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->folder = g_dir_make_tmp("lathe-engine-XXXXXX", NULL);
    g_autofree char *own = g_build_filename(fixture->folder, "engine", NULL);
    char *const argv[] = {program, verb, own, memory, threads, NULL};
    struct engine_plan plan = {.argv = argv, .folder = own, .count = 1};
    GError *error = NULL;
    fixture->engine = engine_open(&plan, &error);
    *state = fixture;
    return fixture->engine ? 0 : -1;
}

static int close_engine(void **state)
{
    struct fixture *fixture = *state;
    engine_close(fixture->engine);
    file_remove_tree(fixture->folder, NULL);
    g_free(fixture->folder);
    g_free(fixture);
    return 0;
}

static json_t *call(struct fixture *fixture, const json_t *request)
{
    GError *error = NULL;
    json_t *reply = engine_call(fixture->engine, request, &error);
    if (error)
        fail_msg("the engine failed: %s", error->message);
    return reply;
}

/* "a bigint, b varchar" */
static json_t *columns_of(const char *text)
{
    json_t *columns = json_array();
    g_auto(GStrv) parts = g_strsplit(text, "; ", -1);
    for (char **part = parts; *part; part++) {
        g_auto(GStrv) words = g_strsplit(*part, " ", 2);
        json_array_append_new(columns, json_pack("{s:s,s:s}", "Name", words[0], "Type", words[1]));
    }
    return columns;
}

static char *write_file(struct fixture *fixture, const char *name, const char *text)
{
    char *path = g_build_filename(fixture->folder, name, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

/* A relation r1 of one file. */
static json_t *relation_of(const char *format, const char *columns, const char *options,
                           const char *path)
{
    return json_pack("[{s:s, s:s, s:o, s:o, s:[{s:s, s:s}]}]", "Name", "r1", "Format", format,
                     "Columns", columns_of(columns), "Options", json_loads(options, 0, NULL),
                     "Files", "Path", path, "Uri", path);
}

/* What the statement answers: its rows as JSON, or NAME: text. g_free. */
static char *ask(struct fixture *fixture, const char *sql, const char *columns, json_t *relations)
{
    g_autoptr(json_auto) request =
        json_pack("{s:s, s:o, s:o, s:{s:s}}", "Sql", sql, "Columns", columns_of(columns),
                  "Relations", relations ? relations : json_array(), "Result", "Form", "rows");
    g_autoptr(json_auto) reply = call(fixture, request);
    const char *name = json_text_at(reply, "Error.Name");
    if (name)
        return g_strdup_printf("%s: %s", name, json_text_at(reply, "Error.Message"));
    return json_dumps(json_object_get(reply, "Rows"), JSON_ENCODE_ANY | JSON_COMPACT);
}

static void expect(struct fixture *fixture, const char *sql, const char *columns, json_t *relations,
                   const char *expected)
{
    char *found = ask(fixture, sql, columns, relations);
    assert_string_equal(found, expected);
    free(found);
}

/* ---- values ---- */

static void writes_values_as_trino(void **state)
{
    expect(*state, "SELECT 1, 'x\"', 1.50::DECIMAL(3,2), 1e10::DOUBLE, 'NaN'::DOUBLE",
           "a integer; b varchar; c decimal(3,2); d double; e double", NULL,
           "[[1,\"x\\\"\",\"1.50\",10000000000.0,\"NaN\"]]");
    expect(*state, "SELECT [1, NULL], {'a': 1}, MAP {'k': 2}, 'ab'::BLOB",
           "a array(integer); b row(a integer); c map(varchar, integer); d varbinary", NULL,
           "[[[1,null],[1],{\"k\":2},\"YWI=\"]]");
    expect(*state,
           "SELECT DATE '2024-02-29', TIMESTAMP '2024-01-02 03:04:05.678', 90061001, -14, "
           "{'instant': TIMESTAMP '2024-07-01 12:00:00', 'zone': 'America/New_York'}",
           "a date; b timestamp(1); c interval day to second; d interval year to month; e "
           "timestamp(0) with time zone",
           NULL,
           "[[\"2024-02-29\",\"2024-01-02 03:04:05.6\",\"1 01:01:01.001\",\"-1-2\",\"2024-07-01 "
           "08:00:00 America/New_York\"]]");
}

static void tells_errors_by_name(void **state)
{
    expect(*state, "SELECT error('TRINO:DIVISION_BY_ZERO:Division by zero')", "a integer", NULL,
           "DIVISION_BY_ZERO: Division by zero");
    expect(*state, "SELECT error('TRINO:GENERIC_USER_ERROR:a\nb: c')", "a integer", NULL,
           "GENERIC_USER_ERROR: a\nb: c");
}

/* ---- text files ---- */

static void reads_delimited_text(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path =
        write_file(fixture, "delimited", "id,name,x\n1,a,1.5\r\n2,,bad\n3,\\N,\n4\n5,e,2,more\n");
    const char *options = "{\"field.delim\": \",\", \"skip.header.line.count\": \"1\"}";
    expect(fixture, "SELECT id, name, x FROM r1", "id integer; name varchar; x double",
           relation_of("delimited", "id int; name string; x double", options, path),
           "[[1,\"a\",1.5],[2,\"\",null],[3,null,null],[4,null,null],[5,\"e\",2.0]]");
    expect(fixture, "SELECT count(*), sum(id) FROM r1", "n bigint; s bigint",
           relation_of("delimited", "id int; name string", options, path), "[[5,15]]");
    expect(fixture,
           "SELECT \"$path\" = "
           "'x'"
           ", \"$file_size\" FROM r1 LIMIT 1",
           "p boolean; s bigint", relation_of("delimited", "id int", options, path),
           "[[false,45]]");
}

static void reads_nested_delimited_text(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = write_file(fixture, "nested", "1|a:b|x=1:y=2|7:z\\|w\n|\\N||\n");
    expect(fixture, "SELECT a, l, m, s FROM r1",
           "a integer; l array(varchar); m map(varchar, integer); s row(n integer, t varchar)",
           relation_of("delimited",
                       "a int; l array<string>; m map<string,int>; s struct<n:int,t:string>",
                       "{\"field.delim\": \"|\", \"collection.delim\": \":\", "
                       "\"mapkey.delim\": \"=\", \"escape.delim\": \"\\\\\", "
                       "\"serialization.null.format\": \"\\\\N\"}",
                       path),
           "[[1,[\"a\",\"b\"],{\"x\":1,\"y\":2},[7,\"z|w\"]],[null,null,{},[null,null]]]");
}

static void reads_csv(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path =
        write_file(fixture, "csv", "\"a, \"\"b\"\"\",2,1,0\n\"x\\\"y\",\"3\",,\nz\n");
    const char *columns = "t string; n int; d date; m timestamp";
    expect(fixture, "SELECT t FROM r1", "t varchar", relation_of("csv", columns, "{}", path),
           "[[\"a, \\\"b\\\"\"],[\"x\\\"y\"],[\"z\"]]");
    expect(fixture, "SELECT n, d FROM r1", "n integer; d date",
           relation_of("csv", columns, "{}", path),
           "HIVE_BAD_DATA: Error parsing field value '' for field 2: For input string: \"\"");
    expect(fixture, "SELECT n FROM r1", "n integer", relation_of("csv", columns, "{}", path),
           "[[2],[3],[null]]");
}

static void reads_json(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = write_file(fixture, "json",
                                       "{\"A\": 1, \"b\": {\"c\": [1, 2], \"D\": \"x\"}}\n\n"
                                       "{\"a\": null, \"s\": {\"raw\": [1]}}\n{\"a\": \"x\"}\n");
    const char *columns = "a int; b struct<c:array<int>,d:string>; s string";
    expect(fixture, "SELECT b, s FROM r1", "b row(c array(integer), d varchar); s varchar",
           relation_of("json", columns, "{}", path),
           "[[[[1,2],\"x\"],null],[null,null],[null,\"{\\\"raw\\\": [1]}\"],[null,null]]");
    expect(fixture, "SELECT a FROM r1", "a integer", relation_of("json", columns, "{}", path),
           "HIVE_BAD_DATA: Error parsing field value for field 0: For input string: \"x\"");
    g_autofree char *wrong = write_file(fixture, "wrong", "{\"a\": 1}\n{\"a\": \n");
    expect(fixture, "SELECT a FROM r1", "a integer",
           relation_of("json", columns, "{\"ignore.malformed.json\": \"true\"}", wrong),
           "[[1],[null]]");
}

static void reads_by_regular_expression(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = write_file(fixture, "log", "10 GET /a\nnothing\n20 PUT /b\n");
    expect(fixture, "SELECT n, verb FROM r1", "n integer; verb varchar",
           relation_of("regex", "n int; verb string", "{\"input.regex\": \"(\\\\d+) (\\\\w+) .*\"}",
                       path),
           "[[10,\"GET\"],[null,null],[20,\"PUT\"]]");
}

/* A file of 50 MB is read in parts, each line once. */
static void reads_parts_of_large_files(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 1; i <= 300000; i++)
        g_string_append_printf(text, "%d,%0*d\n", i, 100 + i % 90, i);
    g_autofree char *path = write_file(fixture, "large", text->str);
    expect(fixture, "SELECT count(*), sum(a), count(DISTINCT a), sum(b) - sum(a) FROM r1",
           "n bigint; s bigint; d bigint; z decimal(38,0)",
           relation_of("delimited", "a bigint; b decimal(38,0)", "{\"field.delim\": \",\"}", path),
           "[[300000,45000150000,300000,\"0\"]]");
}

/* ---- Parquet ---- */

static json_t *parquet_relation(struct fixture *fixture)
{
    g_autofree char *first = g_build_filename(TEST_FOLDER, "first.parquet", NULL);
    g_autofree char *second = g_build_filename(TEST_FOLDER, "second.parquet", NULL);
    (void)fixture;
    return json_pack("[{s:s, s:s, s:o, s:o, s:[{s:s, s:s, s:[s, s]}, {s:s, s:s, s:[n, s]}]}]",
                     "Name", "r1", "Format", "parquet", "Columns",
                     columns_of("id bigint; name string; extra double"), "Partitions",
                     columns_of("year int; part string"), "Files", "Path", first, "Uri", "s3://b/1",
                     "Values", "2024", "a/b", "Path", second, "Uri", "s3://b/2", "Values", "");
}

static void reads_parquet(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, "SELECT id, name, extra, year, part, \"$path\" FROM r1 ORDER BY id",
           "id bigint; name varchar; extra double; year integer; part varchar; p varchar",
           parquet_relation(fixture),
           "[[1,\"x\",null,2024,\"a/b\",\"s3://b/1\"],[2,null,2.5,null,\"\",\"s3://b/2\"]]");
    expect(fixture, "SELECT count(*) FROM r1 WHERE year = 2024", "n bigint",
           parquet_relation(fixture), "[[1]]");
}

static json_t *parquet_of(const char *path, const char *columns, const char *options)
{
    return json_pack("[{s:s, s:s, s:o, s:o, s:[{s:s, s:s}]}]", "Name", "r1", "Format", "parquet",
                     "Columns", columns_of(columns), "Options", json_loads(options, 0, NULL),
                     "Files", "Path", path, "Uri", "s3://b/1");
}

static void reads_parquet_by_places(void **state)
{
    expect(*state, "SELECT one, two, \"$path\" FROM r1", "one varchar; two varchar; p varchar",
           parquet_of(TEST_FOLDER "/first.parquet", "one string; two string",
                      "{\"parquet.column.index.access\": \"true\"}"),
           "[[\"1\",\"x\",\"s3://b/1\"]]");
}

static void tells_what_is_wrong_with_parquet(void **state)
{
    struct fixture *fixture = *state;
    expect(fixture, "SELECT name FROM r1", "name integer",
           parquet_of(TEST_FOLDER "/first.parquet", "name int", "{}"),
           "HIVE_BAD_DATA: Field Name's type VARCHAR in parquet file s3://b/1 is incompatible with "
           "type INTEGER defined in table schema");
    g_autofree char *path = write_file(fixture, "junk", "no Parquet, but long enough to be one");
    expect(fixture, "SELECT name FROM r1", "name integer", parquet_of(path, "name int", "{}"),
           "HIVE_BAD_DATA: Malformed Parquet file. Not a valid Parquet File [s3://b/1]");
}

static void reads_nothing_else(void **state)
{
    char *found = ask(*state, "SELECT * FROM read_parquet('" TEST_FOLDER "/first.parquet')",
                      "a bigint", NULL);
    assert_non_null(strstr(found, "file system operations are disabled"));
    free(found);
}

static void refuses_partition_values(void **state)
{
    struct fixture *fixture = *state;
    json_t *relation = parquet_relation(fixture);
    json_t *files = json_object_get(json_array_get(relation, 0), "Files");
    json_object_set_new(json_array_get(files, 0), "Values", json_pack("[s, s]", "May", "a"));
    expect(fixture, "SELECT id FROM r1", "id bigint", relation,
           "HIVE_INVALID_PARTITION_VALUE: Invalid partition value 'May' for integer partition "
           "key: year");
}

/* ---- results ---- */

static void writes_athenas_csv(void **state)
{
    struct fixture *fixture = *state;
    g_autofree char *path = g_build_filename(fixture->folder, "result.csv", NULL);
    g_autoptr(json_auto) request = json_pack(
        "{s:s, s:o, s:{s:s, s:s}}", "Sql",
        "SELECT 1.0::DOUBLE, NULL::VARCHAR, 'say \"hi\"', [1, 2], {'a': 1}, MAP {'k': NULL}, "
        "'ab'::BLOB, true, ''",
        "Columns",
        columns_of("d double; n varchar; q\"x varchar; l array(integer); r row(a integer); m "
                   "map(varchar, integer); b varbinary; t boolean; e varchar"),
        "Result", "Form", "csv", "File", path);
    json_decref(call(fixture, request));
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, "\"d\",\"n\",\"q\"\"x\",\"l\",\"r\",\"m\",\"b\",\"t\",\"e\"\n"
                              "\"1.0\",,\"say \"\"hi\"\"\",\"[1, 2]\",\"{a=1}\",\"{k=null}\","
                              "\"61 62\",\"true\",\"\"\n");
}

/* ---- tables' files ---- */

/* What the statement wrote: the reply's files, in the order of their partitions' values. */
static json_t *write_files(struct fixture *fixture, const char *columns, json_t *result)
{
    g_autofree char *folder = g_build_filename(fixture->folder, "written", NULL);
    file_remove_tree(folder, NULL);
    json_object_set_new(result, "Form", json_string("write"));
    json_object_set_new(result, "Folder", json_string(folder));
    json_object_set_new(result, "Prefix", json_string("q"));
    g_autoptr(json_auto) request = json_pack(
        "{s:s, s:o, s:o}", "Sql",
        "SELECT i, 'say \"' || i AS s, [i::INTEGER, NULL] AS l, i % 2 AS k, CASE WHEN i > "
        "1 THEN 'a/b' END AS p FROM range(4) t(i) ORDER BY i",
        "Columns", columns_of(columns), "Result", result);
    return call(fixture, request);
}

static void expect_written(struct fixture *fixture, json_t *result, const char *name,
                           const char *expected)
{
    g_autoptr(json_auto) reply =
        write_files(fixture, "i bigint; s varchar; l array(integer); k bigint; p varchar", result);
    g_autofree char *path = g_build_filename(fixture->folder, "written", name, NULL);
    g_autofree char *text = NULL;
    assert_true(g_file_get_contents(path, &text, NULL, NULL));
    assert_string_equal(text, expected);
}

static void writes_lines(void **state)
{
    expect_written(*state, json_pack("{s:s, s:s}", "Format", "text", "Delimiter", "|"), "q_00000",
                   "0|say \"0|0\x02\\N|0|\\N\n1|say \"1|1\x02\\N|1|\\N\n"
                   "2|say \"2|2\x02\\N|0|a/b\n3|say \"3|3\x02\\N|1|a/b\n");
    expect_written(*state, json_pack("{s:s, s:i}", "Format", "json", "Partitions", 2), "q_00000",
                   "{\"i\":0,\"s\":\"say \\\"0\",\"l\":[0,null]}\n");
    expect_written(*state, json_pack("{s:s, s:i}", "Format", "csv", "Partitions", 1), "q_00001",
                   "\"2\",\"say \"\"2\",\"2\x02\\N\",\"0\"\n"
                   "\"3\",\"say \"\"3\",\"3\x02\\N\",\"1\"\n");
}

static void writes_partitions_of_parquet(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(json_auto) reply = write_files(
        fixture, "i bigint; s varchar; l array(integer); k bigint; p varchar",
        json_pack("{s:s, s:s, s:i}", "Format", "parquet", "Compression", "zstd", "Partitions", 2));
    const json_t *files = json_object_get(reply, "Files");
    assert_int_equal(json_array_size(files), 4);
    gint64 found = 0;
    for (size_t i = 0; i < 4; i++) {
        const json_t *file = json_array_get(files, i);
        g_autofree char *values = json_dumps(json_object_get(file, "Values"), JSON_COMPACT);
        g_autofree char *path =
            g_build_filename(fixture->folder, "written", json_text_at(file, "Name"), NULL);
        json_t *relation =
            json_pack("[{s:s, s:s, s:o, s:[{s:s}]}]", "Name", "r1", "Format", "parquet", "Columns",
                      columns_of("i bigint; k bigint"), "Files", "Path", path);
        char *row = ask(fixture, "SELECT i, k FROM r1", "i bigint; k bigint", relation);
        found += strcmp(values, "[\"0\",null]") == 0 && strcmp(row, "[[0,null]]") == 0;
        found += strcmp(values, "[\"1\",\"a/b\"]") == 0 && strcmp(row, "[[3,null]]") == 0;
        free(row);
    }
    assert_int_equal(found, 2);
}

static void refuses_what_it_cannot_write(void **state)
{
    g_autoptr(json_auto) reply =
        write_files(*state, "i bigint; s varchar; l array(integer); k bigint; p varchar",
                    json_pack("{s:s}", "Format", "orc"));
    assert_string_equal(json_text_at(reply, "Error.Name"), "NOT_SUPPORTED");
    g_autoptr(json_auto) many = write_files(
        *state, "i bigint; s varchar; l array(integer); k bigint; p varchar",
        json_pack("{s:s, s:i, s:i}", "Format", "parquet", "Partitions", 1, "MostPartitions", 1));
    assert_string_equal(json_text_at(many, "Error.Name"), "HIVE_TOO_MANY_OPEN_PARTITIONS");
    g_autoptr(json_auto) typed =
        write_files(*state, "i bigint; s json; l array(integer); k bigint; p varchar",
                    json_pack("{s:s}", "Format", "parquet"));
    assert_string_equal(json_text_at(typed, "Error.Message"), "Unsupported Hive type: json");
}

/* ---- cancelling ---- */

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool over;
    int code;
};

static void heard(const json_t *reply, const GError *error, void *data)
{
    (void)reply;
    struct waiting *waiting = data;
    pthread_mutex_lock(&waiting->lock);
    waiting->over = true;
    waiting->code = error ? error->code : -1;
    pthread_cond_signal(&waiting->changed);
    pthread_mutex_unlock(&waiting->lock);
}

static void cancels_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct waiting waiting = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false, 0};
    g_autoptr(json_auto) request =
        json_pack("{s:s, s:o, s:{s:s}}", "Sql",
                  "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE (a.range "
                  "+ b.range) % 7 = 3",
                  "Columns", columns_of("n bigint"), "Result", "Form", "rows");
    guint64 id = engine_submit(fixture->engine, request, heard, &waiting, NULL);
    g_usleep(100000);
    engine_cancel(fixture->engine, id);
    pthread_mutex_lock(&waiting.lock);
    while (!waiting.over)
        pthread_cond_wait(&waiting.changed, &waiting.lock);
    pthread_mutex_unlock(&waiting.lock);
    assert_int_equal(waiting.code, ERROR_CANCELLED);
    expect(fixture, "SELECT 1", "n integer", NULL, "[[1]]");
}

static void knows_serdes(void **state)
{
    (void)state;
    assert_string_equal(engine_format_of("org.openx.data.jsonserde.JsonSerDe"), "json");
    assert_null(engine_format_of("org.apache.hadoop.hive.ql.io.orc.OrcSerde"));
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "engine") == 0)
        return engine_serve(argv[2], (size_t)atoll(argv[3]), (unsigned)atoi(argv[4]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_values_as_trino),
        cmocka_unit_test(tells_errors_by_name),
        cmocka_unit_test(reads_delimited_text),
        cmocka_unit_test(reads_nested_delimited_text),
        cmocka_unit_test(reads_csv),
        cmocka_unit_test(reads_json),
        cmocka_unit_test(reads_by_regular_expression),
        cmocka_unit_test(reads_parts_of_large_files),
        cmocka_unit_test(reads_parquet),
        cmocka_unit_test(reads_parquet_by_places),
        cmocka_unit_test(tells_what_is_wrong_with_parquet),
        cmocka_unit_test(reads_nothing_else),
        cmocka_unit_test(refuses_partition_values),
        cmocka_unit_test(writes_athenas_csv),
        cmocka_unit_test(writes_lines),
        cmocka_unit_test(writes_partitions_of_parquet),
        cmocka_unit_test(refuses_what_it_cannot_write),
        cmocka_unit_test(cancels_at_once),
        cmocka_unit_test(knows_serdes),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
