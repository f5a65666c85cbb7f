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

#include "trino.h"

/* What the corpus is held to. The one that is answered otherwise is a moving average of doubles in
 * its last bit: Trino takes values out of its sum again. */
enum { LEAST_SHARE = 97, MOST_WRONG = 1 };

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
static enum verdict judge(const json_t *line, const struct trino_answer *answer)
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

static void tell(struct corpus *corpus, const json_t *line, const struct trino_answer *answer,
                 enum verdict verdict)
{
    g_autoptr(json_auto) detail = json_pack(
        "{s:s, s:O, s:O, s:O, s:O?, s:O?, s:O?, s:s?, s:s?, s:s?}", "verdict", verdicts[verdict],
        "category", json_object_get(line, "category"), "sql", json_object_get(line, "sql"),
        "expected_error", json_object_get(line, "error"), "expected_columns",
        json_object_get(line, "columns"), "expected_rows", json_object_get(line, "rows"), "rows",
        answer->rows, "name", answer->name, "message", answer->message, "text", answer->text);
    if (detail)
        json_object_set(detail, "columns", answer->columns ? answer->columns : json_null());
    g_autofree char *said = detail ? json_dumps(detail, 0) : NULL;
    if (said)
        fprintf(corpus->detail, "%s\n", said);
}

static void try_line(struct corpus *corpus, const json_t *line)
{
    struct trino_answer answer;
    const char *message = json_text_at(line, "error.message");
    if (!json_true_at(line, "stable"))
        return;
    trino_ask(corpus->engine, json_text_at(line, "sql"), &answer);
    enum verdict verdict = judge(line, &answer);
    struct counts *counts = counts_of(corpus, json_text_at(line, "category"));
    counts->verdicts[verdict]++;
    bool same_text = verdict == SAME_ERROR && strcmp(message, answer.message) == 0;
    counts->texts += same_text;
    if (corpus->detail && (verdict > SAME_ERROR || (verdict == SAME_ERROR && !same_text)))
        tell(corpus, line, &answer, verdict);
    trino_clear(&answer);
}

/* Prints the counts; of how many in a hundred the answer is Trino's. */
static double print(const struct corpus *corpus, int *wrong)
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
    double share = 100.0 * (all.verdicts[SAME] + all.verdicts[SAME_ERROR]) / (whole ? whole : 1);
    *wrong = all.verdicts[OTHER] + all.verdicts[ACCEPTED];
    printf("%.1f %% as Trino answers\n", share);
    return share;
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
    GError *error = NULL;
    struct corpus corpus = {.engine = trino_open(folder, &error)};
    if (!corpus.engine)
        fail_msg("%s", error->message);
    if (g_getenv("LATHE_TRINO_DETAIL"))
        corpus.detail = fopen(g_getenv("LATHE_TRINO_DETAIL"), "w");
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; *line && **line; line++) {
        g_autoptr(json_auto) read = json_loads(*line, JSON_ALLOW_NUL, NULL);
        assert_non_null(read);
        try_line(&corpus, read);
    }
    int wrong;
    double share = print(&corpus, &wrong);
    if (corpus.detail)
        fclose(corpus.detail);
    engine_close(corpus.engine);
    file_remove_tree(folder, NULL);
    assert_true(share >= LEAST_SHARE);
    assert_true(wrong <= MOST_WRONG);
}

int main(int argc, char **argv)
{
    int status;
    if (trino_is_process(argc, argv, &status))
        return status;
    const struct CMUnitTest tests[] = {cmocka_unit_test(answers_as_trino)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
