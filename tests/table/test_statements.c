/* Trino's language over values: joins, grouping, windows, subqueries, types, NULL and NaN, and its
 * errors; the answers are those of its documentation and of the SQL standard. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "examples.h"

struct example {
    const char *sql, *expected; /* rows as JSON; NAME: text; *NAME */
};

static void try(const struct example *example)
{
    struct trino_answer answer;
    trino_ask(engine, example->sql, &answer);
    g_autofree char *said =
        answer.name ? g_strdup_printf("%s: %s", answer.name, answer.message) : NULL;
    char *rows = answer.rows ? json_dumps(answer.rows, JSON_COMPACT) : NULL;
    const char *found = said ? said : rows;
    bool same = *example->expected == '*' ? g_strcmp0(answer.name, example->expected + 1) == 0
                                          : g_strcmp0(found, example->expected) == 0;
    if (!same)
        fail_msg("%s\n  %s\n  instead of %s", example->sql, found, example->expected);
    free(rows);
    trino_clear(&answer);
}

static void joins(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) x(k, v) LEFT JOIN (VALUES (2, 'c'), (3, 'd')) "
         "y(k, w) ON x.k = y.k ORDER BY x.k",
         "[[1,\"a\",null,null],[2,\"b\",2,\"c\"]]"},
        {"SELECT * FROM (VALUES 1, 2, NULL) x(k) FULL JOIN (VALUES 2, 3, NULL) y(k) USING (k) "
         "ORDER BY k",
         "[[1],[2],[3],[null],[null]]"},
        {"SELECT k, v, w FROM (VALUES (1, 'a')) x(k, v) JOIN (VALUES (BIGINT '1', 'b')) y(k, w) "
         "USING (k)",
         "[[1,\"a\",\"b\"]]"},
        {"SELECT x, y FROM (VALUES 1, 2) t(x), LATERAL (SELECT x * 10 AS y) u ORDER BY 1",
         "[[1,10],[2,20]]"},
        {"SELECT x, e, o FROM (VALUES (1, ARRAY['p', 'q']), (2, NULL)) t(x, a) CROSS JOIN "
         "UNNEST(a) WITH ORDINALITY AS u(e, o) ORDER BY o",
         "[[1,\"p\",1],[1,\"q\",2]]"},
        {"SELECT x, e FROM (VALUES (1, ARRAY['p']), (2, NULL)) t(x, a) LEFT JOIN UNNEST(a) AS u(e) "
         "ON true ORDER BY x",
         "[[1,\"p\"],[2,null]]"},
        {"SELECT * FROM UNNEST(ARRAY[1, 2, 3], ARRAY['x']) AS t(a, b) ORDER BY a",
         "[[1,\"x\"],[2,null],[3,null]]"},
        {"SELECT * FROM UNNEST(MAP(ARRAY['k'], ARRAY[ARRAY[1, 2]])) AS t(k, v)", "[[\"k\",[1,2]]]"},
        {"SELECT * FROM UNNEST(ARRAY[ROW(1, 'a'), ROW(2, 'b')]) AS t(n, s) ORDER BY n",
         "[[1,\"a\"],[2,\"b\"]]"},
    };
    TRY_ALL(examples);
}

static void grouping(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT regr_slope(y, x), regr_intercept(y, x), corr(y, x) FROM (VALUES (1e0, 2e0)) t(y, "
         "x)",
         "[[null,null,null]]"},
        {"SELECT regr_slope(y, x) FROM (VALUES (1e0, 2e0), (3e0, 3e0)) t(y, x)", "[[2.0]]"},
        {"SELECT a, sum(v), grouping(a) FROM (VALUES ('x', 1), ('y', 2)) t(a, v) GROUP BY ROLLUP "
         "(a) ORDER BY 3, 1",
         "[[\"x\",1,0],[\"y\",2,0],[null,3,1]]"},
        {"SELECT a, b, count(*) FROM (VALUES (1, 2), (1, 3)) t(a, b) GROUP BY GROUPING SETS ((a, "
         "b), (a), ()) ORDER BY a, b",
         "[[1,2,1],[1,3,1],[1,null,2],[null,null,2]]"},
        {"SELECT a % 2, count(*) FROM (VALUES 1, 2, 3) t(a) GROUP BY 1 HAVING count(*) > 1",
         "[[1,2]]"},
        {"SELECT max(a) + min(a) FROM (VALUES 1, 5) t(a)", "[[6]]"},
        {"SELECT count(*), sum(a), max(a), array_agg(a) FROM (VALUES 1) t(a) WHERE false",
         "[[0,null,null,null]]"},
        {"SELECT a, (SELECT count(*) FROM (VALUES 1, 1, 2) u(b) WHERE u.b = t.a) FROM (VALUES 1, "
         "2) t(a) GROUP BY a ORDER BY a",
         "[[1,2],[2,1]]"},
        {"SELECT array_agg(x ORDER BY y DESC), count(*) FILTER (WHERE x > 1), count(DISTINCT y) "
         "FROM (VALUES (1, 'a'), (2, 'b'), (3, 'b')) t(x, y) WHERE x < 3",
         "[[[2,1],1,2]]"},
        {"SELECT z, count(*) FROM (VALUES TIMESTAMP '2024-01-01 00:00:00 UTC', TIMESTAMP "
         "'2024-01-01 01:00:00 +01:00') t(z) GROUP BY z HAVING count(*) = 2",
         "[[\"2024-01-01 00:00:00 UTC\",2]]"},
        {"SELECT z, count(*), grouping(z) FROM (VALUES TIMESTAMP '2024-01-01 00:00:00 UTC', "
         "TIMESTAMP "
         "'2024-01-01 01:00:00 +01:00') t(z) GROUP BY ROLLUP (z) ORDER BY 3",
         "[[\"2024-01-01 00:00:00 UTC\",2,0],[null,2,1]]"},
        {"SELECT count(*) FROM (SELECT DISTINCT m FROM (VALUES MAP(ARRAY['a', 'b'], ARRAY[1, 2]), "
         "MAP(ARRAY['b', 'a'], ARRAY[2, 1])) t(m))",
         "[[1]]"},
        {"SELECT transform(a, x -> x + 1), count(*) FROM (VALUES ARRAY[1], ARRAY[1]) t(a) GROUP BY "
         "transform(a, y -> y + 1)",
         "[[[2],2]]"},
        {"SELECT sum(x), avg(x) FROM (VALUES DECIMAL '1.10', DECIMAL '2.25') t(x)",
         "[[\"3.35\",\"1.68\"]]"},
    };
    TRY_ALL(examples);
}

static void windows(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT x, rank() OVER (ORDER BY x), sum(x) OVER (ORDER BY x), lag(x, 1, 0) OVER (ORDER "
         "BY x) FROM (VALUES 1, 2, 2) t(x) ORDER BY 1",
         "[[1,1,1,0],[2,2,5,1],[2,2,5,2]]"},
        {"SELECT x, sum(x) OVER (w ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM (VALUES 1, 2, 3) "
         "t(x) WINDOW w AS (ORDER BY x) ORDER BY x",
         "[[1,1],[2,3],[3,5]]"},
        {"SELECT k, sum(sum(v)) OVER (ORDER BY k) FROM (VALUES ('a', 1), ('a', 2), ('b', 4)) t(k, "
         "v) GROUP BY k ORDER BY k",
         "[[\"a\",3],[\"b\",7]]"},
        {"SELECT x, first_value(x) IGNORE NULLS OVER (ORDER BY y) FROM (VALUES (NULL, 1), (7, 2)) "
         "t(x, y) ORDER BY y",
         "[[null,null],[7,7]]"},
    };
    TRY_ALL(examples);
}

static void nulls_and_nan(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT x FROM (VALUES 2, NULL, 1) t(x) ORDER BY x DESC", "[[2],[1],[null]]"},
        {"SELECT x FROM (VALUES 2, NULL, 1) t(x) ORDER BY x NULLS FIRST LIMIT 2", "[[null],[1]]"},
        {"SELECT 3 IN (1, NULL), 1 IN (1, NULL), NULL IN (1), 3 NOT IN (1, 2)",
         "[[null,true,null,true]]"},
        {"SELECT 1 WHERE 2 NOT IN (SELECT x FROM (VALUES 1, NULL) t(x))", "[]"},
        {"SELECT nan() = nan(), nan() <> nan(), nan() > 1e0, nan() IS DISTINCT FROM nan(), "
         "greatest(nan(), 1e0)",
         "[[false,true,false,false,1.0]]"},
        {"SELECT ROW(1, NULL) = ROW(2, NULL), ROW(1, NULL) = ROW(1, 2), ARRAY[1, NULL] = ARRAY[1, "
         "2], ARRAY[1] = ARRAY[1, 2]",
         "[[false,null,null,false]]"},
        {"SELECT count(*) FROM (SELECT DISTINCT x FROM (VALUES nan(), nan(), 0e0, NULL, NULL) "
         "t(x))",
         "[[3]]"},
    };
    TRY_ALL(examples);
}

static void subqueries(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT x FROM (VALUES 1, 2, 3) t(x) WHERE x > ALL (SELECT 2) OR x = ANY (VALUES 1) ORDER "
         "BY 1",
         "[[1],[3]]"},
        {"SELECT x FROM (VALUES 1, 2) t(x) WHERE EXISTS (SELECT 1 FROM (VALUES 2) u(y) WHERE y = "
         "x)",
         "[[2]]"},
        {"SELECT x FROM (VALUES (1, 'a'), (2, 'b')) t(x, y) WHERE (x, y) IN (SELECT 2, 'b')",
         "[[2]]"},
        {"WITH q AS (SELECT 1 AS x) SELECT * FROM (WITH q AS (SELECT 2 AS y) SELECT * FROM q) z "
         "CROSS JOIN q",
         "[[2,1]]"},
        {"WITH RECURSIVE t(n, s) AS (SELECT 1, CAST('a' AS VARCHAR) UNION ALL SELECT n + 1, s || "
         "'b' FROM t WHERE n < 3) SELECT * FROM t ORDER BY n",
         "[[1,\"a\"],[2,\"ab\"],[3,\"abb\"]]"},
        {"SELECT 1 UNION ALL SELECT 2.5 ORDER BY 1 DESC", "[[\"2.5\"],[\"1.0\"]]"},
        {"(VALUES 1, 1, 2 EXCEPT ALL VALUES 1) INTERSECT VALUES 1", "[[1]]"},
        {"SELECT x FROM (VALUES 1, 2, 2, 3) t(x) ORDER BY x OFFSET 1 ROW FETCH FIRST 1 ROW WITH "
         "TIES",
         "[[2],[2]]"},
    };
    TRY_ALL(examples);
}

static void types(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT typeof(1 + 1.5), typeof(ARRAY[1, 2.5]), typeof('a' || 'b'), typeof(CAST(1 AS "
         "DECIMAL)), typeof(ROW(1, 'x'))",
         "[[\"decimal(12,1)\",\"array(decimal(11,1))\",\"varchar\",\"decimal(38,0)\",\"row(integer,"
         " varchar(1))\"]]"},
        {"SELECT CAST(ROW(1, ROW('x')) AS ROW(a BIGINT, b ROW(c VARCHAR))).b.c", "[[\"x\"]]"},
        {"SELECT CAST('ab' AS CHAR(4)) = 'ab', length(CAST('ab' AS CHAR(4))), CAST('abcdef' AS "
         "VARCHAR(3))",
         "[[true,4,\"abc\"]]"},
        {"SELECT CAST(2.5e0 AS INTEGER), CAST(-1.5 AS BIGINT), CAST(1.005 AS DECIMAL(10, 2)), "
         "CAST(1e0 / 3 AS DECIMAL(5, 4))",
         "[[3,-2,\"1.01\",\"0.3333\"]]"},
        {"SELECT DATE '2024-01-31' + INTERVAL '1' MONTH, TIMESTAMP '2024-01-01 00:00:00' - "
         "INTERVAL '1' SECOND",
         "[[\"2024-02-29\",\"2023-12-31 23:59:59.000\"]]"},
        {"SELECT TIMESTAMP '2024-07-01 12:00:00 UTC' AT TIME ZONE 'Europe/Berlin', INTERVAL '1-2' "
         "YEAR TO MONTH, INTERVAL '36' HOUR",
         "[[\"2024-07-01 14:00:00 Europe/Berlin\",\"1-2\",\"1 12:00:00.000\"]]"},
        {"SELECT TRY_CAST('x' AS INTEGER), TRY(1 / 0), TRY(ARRAY[1][2])", "[[null,null,null]]"},
        {"SELECT transform(ARRAY[1, NULL], x -> COALESCE(x, 0) + 1), reduce(ARRAY['a', 'b'], 0, "
         "(s, x) -> s + 1, s -> s * 10), zip_with(ARRAY[1], ARRAY['x'], (a, b) -> (b, a))",
         "[[[2,1],20,[[\"x\",1]]]]"},
    };
    TRY_ALL(examples);
}

static void errors(void **state)
{
    (void)state;
    static const struct example examples[] = {
        {"SELECT x FROM (VALUES 1) t(y)",
         "COLUMN_NOT_FOUND: line 1:8: Column 'x' cannot be resolved"},
        {"SELECT a, count(*) FROM (VALUES (1, 2)) t(a, b) GROUP BY b",
         "EXPRESSION_NOT_AGGREGATE: line 1:8: 'a' must be an aggregate expression or appear in "
         "GROUP BY clause"},
        {"SELECT 1 / x FROM (VALUES 0) t(x)", "DIVISION_BY_ZERO: Division by zero"},
        {"SELECT 2147483647 + 1",
         "NUMERIC_VALUE_OUT_OF_RANGE: integer addition overflow: 2147483647 + 1"},
        {"SELECT CAST('abc' AS BIGINT)", "INVALID_CAST_ARGUMENT: Cannot cast 'abc' to BIGINT"},
        {"SELECT ARRAY[1, 2][3]", "INVALID_FUNCTION_ARGUMENT: Array subscript must be less than or "
                                  "equal to array length: 3 > 2"},
        {"SELECT (SELECT x FROM (VALUES 1, 2) t(x))",
         "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows"},
        {"SELECT sum(x) FROM (VALUES 'a') t(x)", "*FUNCTION_NOT_FOUND"},
        {"SELECT x FROM (VALUES 1) t(x) WHERE x = 'a'",
         "TYPE_MISMATCH: line 1:39: Cannot apply operator: integer = varchar(1)"},
        {"SELECT 1 UNION SELECT 1, 2", "*TYPE_MISMATCH"},
        {"SELECT a FROM (SELECT 1 AS a, 2 AS a) t",
         "AMBIGUOUS_NAME: line 1:8: Column 'a' is ambiguous"},
        {"WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t) SELECT * FROM t",
         "NOT_SUPPORTED: Recursion depth limit exceeded (10). Use 'max_recursion_depth' session "
         "property to modify the limit."},
    };
    TRY_ALL(examples);
}

int main(int argc, char **argv)
{
    int status;
    if (trino_is_process(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joins),         cmocka_unit_test(grouping),   cmocka_unit_test(windows),
        cmocka_unit_test(nulls_and_nan), cmocka_unit_test(subqueries), cmocka_unit_test(types),
        cmocka_unit_test(errors),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}
