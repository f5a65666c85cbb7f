/* What Trino answers to some 2,000 statements: compiled, run in the engine, and compared.
 *
 * The statements with their answers are no part of the project: LATHE_TRINO_CORPUS names the file
 * (corpus.jsonl), else it is looked for beside the project's folder. LATHE_TRINO_DETAIL names a
 * file for a JSON line on each statement that is answered otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "sql/sql.h"
#include "table/engine.h"

static bool has_schema(void *data, const char *catalog, const char *schema)
{
    (void)data;
    return strcmp(catalog, "awsdatacatalog") == 0 && strcmp(schema, "default") == 0;
}

static bool find(void *data, const char *catalog, const char *schema, const char *table,
                 struct sql_table *found, struct sql_error *error)
{
    (void)data, (void)catalog, (void)schema, (void)table, (void)found, (void)error;
    return false;
}

static const struct sql_catalog catalog = {.find = find,
                                           .has_schema = has_schema,
                                           .name = "awsdatacatalog",
                                           .schema = "default",
                                           .zone = "UTC",
                                           .user = "reference",
                                           .now = 1780000000.123};

/* ---- answers ---- */

struct answer {
    json_t *columns, *rows; /* NULL where it failed */
    char *name, *message;   /* the error's */
};

static void clear(struct answer *answer)
{
    json_decref(answer->columns);
    json_decref(answer->rows);
    g_free(answer->name);
    g_free(answer->message);
    *answer = (struct answer){0};
}

static json_t *columns_of(const struct sql_statement *statement, bool said)
{
    struct arena arena = {0};
    json_t *columns = json_array();
    for (size_t i = 0; i < statement->count; i++) {
        const struct sql_type *type = statement->columns[i].type;
        json_array_append_new(columns, json_pack("{s:s, s:s}", said ? "name" : "Name",
                                                 statement->columns[i].name, said ? "type" : "Type",
                                                 said ? sql_type_write_column(&arena, type)
                                                      : sql_type_write(&arena, type)));
    }
    arena_free(&arena);
    return columns;
}

static void run(struct engine *engine, const struct sql_statement *statement, struct answer *answer)
{
    GError *error = NULL;
    g_autoptr(json_auto) request =
        json_pack("{s:s, s:o, s:{s:s}}", "Sql", statement->text, "Columns",
                  columns_of(statement, false), "Result", "Form", "rows");
    g_autoptr(json_auto) reply = engine_call(engine, request, &error);
    if (!reply) {
        answer->name = g_strdup("(engine)");
        answer->message = g_strdup(error->message);
        g_clear_error(&error);
    } else if (json_text_at(reply, "Error.Name")) {
        answer->name = g_strdup(json_text_at(reply, "Error.Name"));
        answer->message = g_strdup(json_text_at(reply, "Error.Message"));
    } else {
        answer->columns = columns_of(statement, true);
        answer->rows = json_incref(json_object_get(reply, "Rows"));
    }
}

static void ask(struct engine *engine, const char *sql, struct answer *answer, char **text)
{
    struct sql_error error = {0};
    struct sql_statement *statement = sql_compile(sql, &catalog, &error);
    *text = NULL;
    if (!statement || !statement->text) {
        answer->name = g_strdup(statement ? "(no text)" : error.name);
        answer->message =
            error.line ? g_strdup_printf("line %d:%d: %s", error.line, error.column, error.message)
                       : g_strdup(error.message);
    } else {
        *text = g_strdup(statement->text);
        run(engine, statement, answer);
    }
    if (statement)
        sql_statement_free(statement);
}

/* ---- comparing ---- */

static bool same_value(const json_t *a, const json_t *b)
{
    size_t i;
    const char *key;
    json_t *value;
    if (json_is_number(a) && json_is_number(b))
        return json_number_value(a) == json_number_value(b) && json_is_real(a) == json_is_real(b);
    if (json_is_array(a) && json_is_array(b)) {
        bool same = json_array_size(a) == json_array_size(b);
        json_array_foreach((json_t *)a, i, value) same =
            same && same_value(value, json_array_get(b, i));
        return same;
    }
    if (json_is_object(a) && json_is_object(b)) {
        bool same = json_object_size(a) == json_object_size(b);
        json_object_foreach((json_t *)a, key, value)
        {
            const json_t *other = json_object_get(b, key);
            same = same && other && same_value(value, other);
        }
        return same;
    }
    return json_equal(a, b);
}

static bool same_rows(const json_t *expected, const json_t *found, bool ordered)
{
    if (ordered || json_array_size(expected) != json_array_size(found))
        return same_value(expected, found);
    g_autoptr(json_auto) left = json_copy((json_t *)found);
    size_t i, j;
    json_t *row, *other;
    json_array_foreach((json_t *)expected, i, row)
    {
        bool taken = false;
        json_array_foreach(left, j, other)
        {
            if (!taken && same_value(row, other)) {
                json_array_remove(left, j);
                taken = true;
                break;
            }
        }
        if (!taken)
            return false;
    }
    return true;
}

enum verdict { SAME, SAME_ERROR, REFUSED, OTHER, ACCEPTED, VERDICTS };
static const char *const verdicts[] = {"same", "error", "refused", "OTHER VALUE", "ACCEPTED"};

/* What is not supported is refused; everything else that differs is wrong. */
static enum verdict judge(const json_t *line, const struct answer *answer)
{
    const json_t *columns = json_object_get(line, "columns"), *rows = json_object_get(line, "rows");
    const char *name = json_text_at(line, "error.name");
    bool ordered = json_true_at(line, "ordered");
    if (name)
        return answer->name ? strcmp(name, answer->name) == 0 ? SAME_ERROR : REFUSED : ACCEPTED;
    if (answer->name)
        return REFUSED;
    return json_equal(columns, answer->columns) && same_rows(rows, answer->rows, ordered) ? SAME
                                                                                          : OTHER;
}

/* ---- the corpus ---- */

struct counts {
    char category[64];
    int verdicts[VERDICTS], texts;
};

struct corpus {
    struct engine *engine;
    FILE *detail;
    struct counts counts[64];
    size_t categories;
};

static struct counts *counts_of(struct corpus *corpus, const char *category)
{
    size_t i = 0;
    while (i < corpus->categories && strcmp(corpus->counts[i].category, category) != 0)
        i++;
    if (i == corpus->categories)
        g_strlcpy(corpus->counts[corpus->categories++].category, category,
                  sizeof corpus->counts[i].category);
    return &corpus->counts[i];
}

static void tell(struct corpus *corpus, const json_t *line, const struct answer *answer,
                 const char *text, enum verdict verdict)
{
    g_autoptr(json_auto) detail = json_pack(
        "{s:s, s:O, s:O, s:O, s:O?, s:O?, s:O?, s:s?, s:s?, s:s?}", "verdict", verdicts[verdict],
        "category", json_object_get(line, "category"), "sql", json_object_get(line, "sql"),
        "expected_error", json_object_get(line, "error"), "expected_columns",
        json_object_get(line, "columns"), "expected_rows", json_object_get(line, "rows"), "rows",
        answer->rows, "name", answer->name, "message", answer->message, "text", text);
    if (detail)
        json_object_set(detail, "columns", answer->columns ? answer->columns : json_null());
    g_autofree char *said = detail ? json_dumps(detail, 0) : NULL;
    if (said)
        fprintf(corpus->detail, "%s\n", said);
}

static void try_line(struct corpus *corpus, const json_t *line)
{
    struct answer answer = {0};
    g_autofree char *text = NULL;
    const char *message = json_text_at(line, "error.message");
    if (!json_true_at(line, "stable"))
        return;
    ask(corpus->engine, json_text_at(line, "sql"), &answer, &text);
    enum verdict verdict = judge(line, &answer);
    struct counts *counts = counts_of(corpus, json_text_at(line, "category"));
    counts->verdicts[verdict]++;
    bool same_text = verdict == SAME_ERROR && strcmp(message, answer.message) == 0;
    counts->texts += same_text;
    if (corpus->detail && (verdict > SAME_ERROR || (verdict == SAME_ERROR && !same_text)))
        tell(corpus, line, &answer, text, verdict);
    clear(&answer);
}

static void print(const struct corpus *corpus)
{
    struct counts all = {.category = "all"};
    printf("%-26s %6s %6s %8s %8s %6s %9s\n", "category", "same", "error", "(text)", "refused",
           "other", "accepted");
    for (size_t i = 0; i <= corpus->categories; i++) {
        const struct counts *counts = i < corpus->categories ? &corpus->counts[i] : &all;
        printf("%-26s %6d %6d %8d %8d %6d %9d\n", counts->category, counts->verdicts[SAME],
               counts->verdicts[SAME_ERROR], counts->texts, counts->verdicts[REFUSED],
               counts->verdicts[OTHER], counts->verdicts[ACCEPTED]);
        for (int v = 0; v < VERDICTS && i < corpus->categories; v++)
            all.verdicts[v] += counts->verdicts[v];
        all.texts += i < corpus->categories ? counts->texts : 0;
    }
    int whole = 0;
    for (int v = 0; v < VERDICTS; v++)
        whole += all.verdicts[v];
    printf("%.1f %% as Trino answers\n",
           100.0 * (all.verdicts[SAME] + all.verdicts[SAME_ERROR]) / (whole ? whole : 1));
}

static struct engine *open_engine(const char *folder)
{
    static char program[] = "/proc/self/exe", verb[] = "engine", memory[] = "536870912",
                threads[] = "1";
    g_autofree char *own = g_strdup(folder);
    char *const argv[] = {program, verb, own, memory, threads, NULL};
    struct engine_plan plan = {.argv = argv, .folder = own, .count = 1, .warm = true};
    GError *error = NULL;
    struct engine *engine = engine_open(&plan, &error);
    if (!engine)
        fail_msg("%s", error->message);
    return engine;
}

static const char *corpus_path(void)
{
    const char *named = g_getenv("LATHE_TRINO_CORPUS");
    return named ? named : TEST_FOLDER "/../../../shared/trino/corpus.jsonl";
}

static void answers_as_trino(void **state)
{
    (void)state;
    g_autofree char *text = NULL;
    if (!g_file_get_contents(corpus_path(), &text, NULL, NULL)) {
        print_message("no corpus: LATHE_TRINO_CORPUS names none\n");
        skip();
    }
    g_autofree char *folder = g_dir_make_tmp("lathe-trino-XXXXXX", NULL);
    struct corpus corpus = {.engine = open_engine(folder)};
    if (g_getenv("LATHE_TRINO_DETAIL"))
        corpus.detail = fopen(g_getenv("LATHE_TRINO_DETAIL"), "w");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_autoptr(json_auto) read = json_loads(*line, JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        try_line(&corpus, read);
    }
    print(&corpus);
    if (corpus.detail)
        fclose(corpus.detail);
    engine_close(corpus.engine);
    file_remove_tree(folder, NULL);
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "engine") == 0)
        return engine_serve(argv[2], (size_t)atoll(argv[3]), (unsigned)atoi(argv[4]));
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_as_trino)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
