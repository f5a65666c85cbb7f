/* Hive's DDL: what statements ask for, held against the members that Glue's catalog keeps for such
 * tables, and the errors of those that are none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "query/hive.h"

static struct hive_statement *parse(const char *text)
{
    GError *error = NULL;
    struct hive_statement *statement = hive_parse(text, &error);
    if (!statement)
        fail_msg("%s: %s", text, error->message);
    return statement;
}

static void assert_json(const json_t *found, const char *wanted)
{
    g_autoptr(json_auto) value = json_loads(wanted, JSON_DECODE_ANY, NULL);
    assert_non_null(value);
    if (!json_equal(found, value)) {
        g_autofree char *text = json_text_of(found);
        fail_msg("found %s, wanted %s", text, wanted);
    }
}

static void assert_fails(const char *text, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(hive_statement_auto) statement = hive_parse(text, &error);
    if (statement)
        fail_msg("accepted: %s", text);
    if (!strstr(error->message, wanted))
        fail_msg("%s: %s", text, error->message);
}

static void test_a_table_of_text(void **state)
{
    (void)state;
    g_autoptr(hive_statement_auto) statement = parse(
        "CREATE EXTERNAL TABLE IF NOT EXISTS Db.`My Table` (\n"
        "  `A` BIGINT COMMENT 'it''s', -- first\n"
        "  b array< struct<X : int, y:decimal(10, 2)> > /* nested */, c varchar(5))\n"
        "COMMENT 'all' PARTITIONED BY (day string)\n"
        "ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' NULL DEFINED AS ''\n"
        "STORED AS TEXTFILE LOCATION 's3://bucket/t/' TBLPROPERTIES "
        "('skip.header.line.count'='1');");
    assert_int_equal(statement->verb, HIVE_CREATE_TABLE);
    assert_true(statement->maybe);
    assert_string_equal(statement->database, "db");
    assert_string_equal(statement->name, "my table");
    assert_json(
        statement->input,
        "{\"StorageDescriptor\": {\"Columns\": ["
        "{\"Name\": \"a\", \"Type\": \"bigint\", \"Comment\": \"it's\"},"
        "{\"Name\": \"b\", \"Type\": \"array<struct<x:int,y:decimal(10,2)>>\"},"
        "{\"Name\": \"c\", \"Type\": \"varchar(5)\"}],"
        "\"SerdeInfo\": {\"SerializationLibrary\":"
        "\"org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe\", \"Parameters\":"
        "{\"field.delim\": \"\\t\", \"serialization.format\": \"\\t\", \"escape.delim\": \"\\\\\","
        "\"serialization.null.format\": \"\"}}, \"Parameters\": {},"
        "\"InputFormat\": \"org.apache.hadoop.mapred.TextInputFormat\", \"OutputFormat\":"
        "\"org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat\","
        "\"Location\": \"s3://bucket/t\"}, \"TableType\": \"EXTERNAL_TABLE\","
        "\"Parameters\": {\"EXTERNAL\": \"TRUE\", \"comment\": \"all\","
        "\"skip.header.line.count\": \"1\"},"
        "\"PartitionKeys\": [{\"Name\": \"day\", \"Type\": \"string\"}]}");
}

static void test_serdes_and_formats(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"STORED AS PARQUET", "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
        {"ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe' WITH SERDEPROPERTIES "
         "('ignore.malformed.json' = 'true')",
         "org.openx.data.jsonserde.JsonSerDe"},
        {"ROW FORMAT SERDE 'org.apache.hadoop.hive.serde2.OpenCSVSerde' STORED AS INPUTFORMAT "
         "'org.apache.hadoop.mapred.TextInputFormat' OUTPUTFORMAT "
         "'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat'",
         "org.apache.hadoop.hive.serde2.OpenCSVSerde"},
        {"ROW FORMAT DELIMITED FIELDS TERMINATED BY '\\001' LINES TERMINATED BY '\\n'",
         "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"},
        {"CLUSTERED BY (a) INTO 4 BUCKETS STORED AS PARQUET",
         "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *text =
            g_strdup_printf("create external table t (a int) %s location 's3://b/t'", rows[i][0]);
        g_autoptr(hive_statement_auto) statement = parse(text);
        assert_string_equal(
            json_text_at(statement->input, "StorageDescriptor.SerdeInfo.SerializationLibrary"),
            rows[i][1]);
    }
}

static void test_partitions(void **state)
{
    (void)state;
    g_autoptr(hive_statement_auto) added = parse(
        "ALTER TABLE db.t ADD IF NOT EXISTS PARTITION (y = 2008, `M`='01') LOCATION 's3://b/1/' "
        "PARTITION (y='2009', m='02')");
    assert_int_equal(added->verb, HIVE_ADD_PARTITIONS);
    assert_json(added->partitions,
                "[{\"Spec\": [{\"Name\": \"y\", \"Value\": \"2008\"}, {\"Name\": \"m\", \"Value\": "
                "\"01\"}], \"Location\": \"s3://b/1/\"}, {\"Spec\": [{\"Name\": \"y\", \"Value\": "
                "\"2009\"}, {\"Name\": \"m\", \"Value\": \"02\"}]}]");
    g_autoptr(hive_statement_auto) dropped =
        parse("alter table t drop if exists partition (y=1), partition (y=-2)");
    assert_int_equal(dropped->verb, HIVE_DROP_PARTITIONS);
    assert_string_equal(json_text_at(dropped->partitions, "[1].Spec[0].Value"), "-2");
    g_autoptr(hive_statement_auto) renamed =
        parse("ALTER TABLE t PARTITION (y=1) RENAME TO PARTITION (y=2)");
    assert_int_equal(renamed->verb, HIVE_RENAME_PARTITION);
    assert_int_equal(json_array_size(renamed->partitions), 2);
    g_autoptr(hive_statement_auto) moved =
        parse("ALTER TABLE t PARTITION (y=1) SET LOCATION 's3://b/x/'");
    assert_string_equal(moved->location, "s3://b/x/");
}

static void test_the_verbs(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum hive_verb verb;
        const char *database, *name, *pattern;
    } rows[] = {
        {"CREATE DATABASE IF NOT EXISTS d COMMENT 'x' LOCATION 's3://b/' WITH DBPROPERTIES "
         "('a'='b')",
         HIVE_CREATE_DATABASE, "d", NULL, NULL},
        {"drop schema if exists `D-1` cascade", HIVE_DROP_DATABASE, "d-1", NULL, NULL},
        {"ALTER SCHEMA d SET DBPROPERTIES ('a'='b')", HIVE_SET_DATABASE_PROPERTIES, "d", NULL,
         NULL},
        {"DROP TABLE IF EXISTS 2008_flights", HIVE_DROP_TABLE, NULL, "2008_flights", NULL},
        {"DROP VIEW d.v", HIVE_DROP_VIEW, "d", "v", NULL},
        {"ALTER TABLE t ADD COLUMNS (z double)", HIVE_ADD_COLUMNS, NULL, "t", NULL},
        {"ALTER TABLE t REPLACE COLUMNS (z double)", HIVE_REPLACE_COLUMNS, NULL, "t", NULL},
        {"ALTER TABLE t CHANGE COLUMN a `b` array<int> COMMENT 'x' AFTER c", HIVE_CHANGE_COLUMN,
         NULL, "t", NULL},
        {"ALTER TABLE t CHANGE a a bigint FIRST", HIVE_CHANGE_COLUMN, NULL, "t", NULL},
        {"ALTER TABLE t PARTITION (y=1) ADD COLUMNS (z double)", HIVE_ADD_COLUMNS, NULL, "t", NULL},
        {"ALTER TABLE t SET LOCATION 's3://b/'", HIVE_SET_LOCATION, NULL, "t", NULL},
        {"ALTER TABLE t SET TBLPROPERTIES ('a'='1')", HIVE_SET_TABLE_PROPERTIES, NULL, "t", NULL},
        {"MSCK REPAIR TABLE d.t", HIVE_REPAIR, "d", "t", NULL},
        {"SHOW DATABASES LIKE 'a*'", HIVE_SHOW_DATABASES, NULL, NULL, "a*"},
        {"show schemas", HIVE_SHOW_DATABASES, NULL, NULL, NULL},
        {"SHOW TABLES IN d '*x*'", HIVE_SHOW_TABLES, "d", NULL, "*x*"},
        {"SHOW VIEWS", HIVE_SHOW_VIEWS, NULL, NULL, NULL},
        {"SHOW COLUMNS IN t FROM d", HIVE_SHOW_COLUMNS, "d", "t", NULL},
        {"SHOW PARTITIONS d.t", HIVE_SHOW_PARTITIONS, "d", "t", NULL},
        {"SHOW TBLPROPERTIES t('a')", HIVE_SHOW_TABLE_PROPERTIES, NULL, "t", NULL},
        {"SHOW CREATE TABLE awsdatacatalog.d.t", HIVE_SHOW_CREATE_TABLE, "d", "t", NULL},
        {"SHOW CREATE VIEW v", HIVE_SHOW_CREATE_VIEW, NULL, "v", NULL},
        {"DESCRIBE FORMATTED d.t", HIVE_DESCRIBE, "d", "t", NULL},
        {"desc `t` `a`", HIVE_DESCRIBE, NULL, "t", NULL},
        {"DESCRIBE VIEW v", HIVE_DESCRIBE_VIEW, NULL, "v", NULL},
    };
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        assert_true(hive_is_ddl(rows[i].text));
        g_autoptr(hive_statement_auto) statement = parse(rows[i].text);
        if (statement->verb != rows[i].verb ||
            g_strcmp0(statement->database, rows[i].database) != 0 ||
            g_strcmp0(statement->name, rows[i].name) != 0 ||
            g_strcmp0(statement->pattern, rows[i].pattern) != 0)
            fail_msg("%s: verb %d, %s, %s, %s", rows[i].text, statement->verb, statement->database,
                     statement->name, statement->pattern);
    }
}

static void test_what_is_trinos(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "SELECT 1",
        "CREATE TABLE t WITH (format = 'PARQUET') AS SELECT 1",
        "/* x */ create table \"d\".\"t\" as (select 1)",
        "CREATE OR REPLACE VIEW v AS SELECT 1",
        "INSERT INTO t VALUES (1)",
        "SHOW FUNCTIONS",
        "DESCRIBE INPUT x",
        "EXPLAIN SELECT 1",
        "",
    };
    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
        if (hive_is_ddl(texts[i]))
            fail_msg("%s", texts[i]);
}

static void test_errors(void **state)
{
    (void)state;
    assert_fails("CREATE EXTERNAL TABLE t (a int, A string) LOCATION 's3://b/'",
                 "Duplicate column name: a");
    assert_fails("CREATE EXTERNAL TABLE t (a int) PARTITIONED BY (a int) LOCATION 's3://b/'",
                 "Duplicate column name: a");
    assert_fails("CREATE EXTERNAL TABLE t (a int)", "LOCATION");
    assert_fails("CREATE EXTERNAL TABLE t (a int) LOCATION '/tmp'", "no place in S3");
    assert_fails("CREATE EXTERNAL TABLE t (a integr) LOCATION 's3://b/'",
                 "line 1:27 cannot recognize input near 'integr' ')'");
    assert_fails("CREATE EXTERNAL TABLE t\n(a int) LOCATION 's3://b/", "line 2:17");
    assert_fails("CREATE EXTERNAL TABLE t (a int) STORED AS ORC LOCATION 's3://b/'",
                 "tables in ORC are not supported");
    assert_fails("CREATE EXTERNAL TABLE t (a int) LOCATION 's3://b/' TBLPROPERTIES "
                 "('table_type'='ICEBERG')",
                 "Iceberg");
    assert_fails("CREATE TABLE t (a int) LOCATION 's3://b/'", "Iceberg");
    assert_fails("ALTER TABLE t ADD PARTITION (y<1)", "near '<' '1'");
    assert_fails("DROP TABLE \"t\"", "near 't' '<EOF>'");
    assert_fails("DROP TABLE t x", "near 'x' '<EOF>'");
    assert_fails("DROP", "near 'drop' '<EOF>'");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_table_of_text), cmocka_unit_test(test_serdes_and_formats),
        cmocka_unit_test(test_partitions),      cmocka_unit_test(test_the_verbs),
        cmocka_unit_test(test_what_is_trinos),  cmocka_unit_test(test_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
