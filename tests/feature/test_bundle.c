/* MLeap bundles: those that real MLeap 0.20 and 0.24 wrote (bundles/, made by
 * tools/mleap_fixtures), our own, and hostile ones. */
#include "table.h"

#include "archive/zip_out.h"
#include "feature/bundle.h"
#include "feature/fit.h"

#include <setjmp.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static const char *const VERSIONS[] = {"0.20", "0.24"};
static const char *const NAMES[] = {"machine", "scalers", "imputers", "labels", "several", "math"};

static char *bundle_path(const char *version, const char *name, const char *end)
{
    static char path[1024];
    snprintf(path, sizeof path, "%s/bundles/%s/%s%s", TEST_FOLDER, version, name, end);
    return path;
}

static struct json *load(struct arena *arena, const char *path)
{
    struct lathe_error error = {0};
    size_t size;
    char *bytes = table_file(path, &size);
    if (!bytes)
        fail_msg("%s is not there", path);
    struct json *json = json_read(arena, bytes, size, &error);
    free(bytes);
    if (!json)
        fail_msg("%s: %s", path, error.message);
    return json;
}

static void load_rows(struct table *table, const char *name)
{
    char path[1024];
    snprintf(path, sizeof path, "%s/bundles/%s.json", TEST_FOLDER, name);
    table_open(table, json_member(load(&table->arena, path), "columns"));
}

/* Holds what the pipeline makes of the rows against one engine's columns. */
static void check(const struct pipeline *pipeline, const struct table *rows,
                  const struct json *expected, const char *engine, unsigned units, const char *what)
{
    const char *wanted[64];
    size_t count = 0;
    struct lathe_error error = {0};
    const struct json *columns = json_member(expected, engine);
    if (!columns)
        return;
    for (const struct json *name = json_member(expected, "wanted")->first; name; name = name->next)
        wanted[count++] = name->string;
    struct plan *plan =
        plan_open(pipeline, rows->columns, rows->column_count, wanted, count, &error);
    if (!plan)
        fail_msg("%s: %s", what, error.message);
    void *scratch = malloc(plan_scratch(plan, rows->rows));
    struct feature_result result;
    if (!plan_apply(plan, &rows->batch, scratch, &result, &error))
        fail_msg("%s: %s", what, error.message);
    if (!table_matches(plan, &result, rows->rows, columns, units))
        fail_msg("%s: not what %s makes of it", what, engine);
    free(scratch);
    plan_close(plan);
}

/* Exactly what Spark makes of the rows, but for Java's transcendental functions, which may differ
 * in their last place; and what MLeap's runtime makes of them, whose MinMaxScaler divides where
 * Spark's multiplies by a quotient. */
static void check_both(const struct pipeline *pipeline, const struct table *rows,
                       const struct json *expected, const char *what)
{
    bool math = strstr(what, "math") != NULL;
    /* Spark's Imputer leaves NaN alone where another value counts as missing, MLeap's replaces
     * both; ours is MLeap's. */
    if (!strstr(what, "imputers"))
        check(pipeline, rows, expected, "spark", math ? 2 : 0, what);
    check(pipeline, rows, expected, "mleap", math ? 2 : strstr(what, "scalers") ? 4 : 0, what);
}

static void test_bundles_of_mleap(void **state)
{
    (void)state;
    struct table rows = {0};
    load_rows(&rows, "rows");
    for (size_t v = 0; v < 2; v++)
        for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++) {
            struct arena arena = {0};
            struct lathe_error error = {0};
            const struct json *expected = load(&arena, bundle_path(VERSIONS[v], NAMES[n], ".json"));
            const char *path = bundle_path(VERSIONS[v], NAMES[n], ".zip");
            struct pipeline *pipeline = bundle_open(path, &error);
            if (!pipeline)
                fail_msg("%s: %s", path, error.message);
            check_both(pipeline, &rows, expected, path);
            pipeline_close(pipeline);
            arena_free(&arena);
        }
    table_close(&rows);
}

/* Pipelines that Spark fitted on real rows, with its answers: exactly those, but for the last
 * places where Java's exp and pow come in. */
static const struct {
    const char *name;
    unsigned units;
} MODELS[] = {
    {"vectors", 0},
    {"cubic", 2},
    {"selected", 0},
    {"components", 0},
    {"text", 0},
    {"linear", 0},
    {"logistic", 2},
    {"multinomial", 2},
    {"thresholds", 2},
    {"words", 2},
    {"sparse", 2},
    {"sparse_linear", 0},
    {"sparse_multinomial", 2},
    {"tree_classifier", 0},
    {"tree_regression", 0},
    {"forest_classifier", 0},
    {"forest_regression", 0},
    {"gbt_classifier", 2},
    {"gbt_regression", 0},
};
enum { MODEL_COUNT = sizeof MODELS / sizeof *MODELS };

/* What we write of it, we read back as the same; models are not written, and that is said. */
static void check_written(const struct pipeline *pipeline, const struct table *rows,
                          const struct json *expected, unsigned units, const char *path)
{
    void *bytes;
    size_t size;
    struct lathe_error error = {0};
    if (!bundle_write_zip(pipeline, &bytes, &size, &error)) {
        assert_int_equal(error.code, LATHE_UNSUPPORTED);
        assert_non_null(strstr(error.message, "is read from bundles, and not written to them"));
        return;
    }
    struct pipeline *again = bundle_read(bytes, size, &error);
    if (!again)
        fail_msg("%s, written again: %s", path, error.message);
    check(again, rows, expected, "spark", units, path);
    pipeline_close(again);
    free(bytes);
}

static void test_models_of_spark(void **state)
{
    (void)state;
    struct table rows = {0};
    load_rows(&rows, "models/rows");
    for (size_t n = 0; n < MODEL_COUNT; n++) {
        struct arena arena = {0};
        struct lathe_error error = {0};
        const struct json *expected = load(&arena, bundle_path("models", MODELS[n].name, ".json"));
        const char *path = bundle_path("models", MODELS[n].name, ".zip");
        struct pipeline *pipeline = bundle_open(path, &error);
        if (!pipeline)
            fail_msg("%s: %s", path, error.message);
        check(pipeline, &rows, expected, "spark", MODELS[n].units, path);
        check_written(pipeline, &rows, expected, MODELS[n].units, path);
        pipeline_close(pipeline);
        arena_free(&arena);
    }
    table_close(&rows);
}

/* The same bundle as Spark wrote it into a folder, as the runtime wrote it again, in a tar.gz, and
 * zipped inside a tar.gz. */
static void test_other_forms(void **state)
{
    static const char *const FORMS[] = {"machine", "runtime", "machine.tar.gz", "model.tar.gz"};
    (void)state;
    struct table rows = {0};
    load_rows(&rows, "rows");
    for (size_t v = 0; v < 2; v++) {
        struct arena arena = {0};
        const struct json *expected = load(&arena, bundle_path(VERSIONS[v], "machine", ".json"));
        for (size_t f = 0; f < sizeof FORMS / sizeof *FORMS; f++) {
            struct lathe_error error = {0};
            const char *path = bundle_path(VERSIONS[v], FORMS[f], "");
            struct pipeline *pipeline = bundle_open(path, &error);
            if (!pipeline)
                fail_msg("%s: %s", path, error.message);
            check_both(pipeline, &rows, expected, path);
            pipeline_close(pipeline);
        }
        arena_free(&arena);
    }
    table_close(&rows);
}

/* What we write, we read back as the same; and the same pipeline makes the same bytes. */
static void test_written_again(void **state)
{
    (void)state;
    struct table rows = {0};
    load_rows(&rows, "rows");
    for (size_t n = 0; n < sizeof NAMES / sizeof *NAMES; n++) {
        struct arena arena = {0};
        struct lathe_error error = {0};
        const struct json *expected = load(&arena, bundle_path("0.20", NAMES[n], ".json"));
        const char *path = bundle_path("0.20", NAMES[n], ".zip");
        struct pipeline *first = bundle_open(path, &error);
        assert_non_null(first);
        void *bytes, *again;
        size_t size, size_again;
        assert_true(bundle_write_zip(first, &bytes, &size, &error));
        struct pipeline *second = bundle_read(bytes, size, &error);
        if (!second)
            fail_msg("%s: %s", path, error.message);
        check_both(second, &rows, expected, path);
        /* A StringIndexer of several columns has become several: from then on nothing changes. */
        assert_true(bundle_write_zip(second, &again, &size_again, &error));
        if (strcmp(NAMES[n], "several") != 0) {
            assert_int_equal(size, size_again);
            assert_memory_equal(bytes, again, size);
        }
        pipeline_close(first);
        pipeline_close(second);
        free(bytes);
        free(again);
        arena_free(&arena);
    }
    table_close(&rows);
}

static void test_folder(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    char folder[] = "/tmp/lathe-bundle-XXXXXX", inner[64], command[128];
    assert_non_null(mkdtemp(folder));
    snprintf(inner, sizeof inner, "%s/new", folder);
    struct pipeline *pipeline = bundle_open(bundle_path("0.24", "math", ".zip"), &error);
    assert_non_null(pipeline);
    if (!bundle_write_folder(pipeline, inner, &error))
        fail_msg("%s", error.message);
    struct pipeline *again = bundle_open(inner, &error);
    if (!again)
        fail_msg("%s", error.message);
    size_t count, count_again;
    pipeline_stages(pipeline, &count);
    pipeline_stages(again, &count_again);
    assert_int_equal(count, count_again);
    pipeline_close(pipeline);
    pipeline_close(again);
    snprintf(command, sizeof command, "rm -r %s", folder);
    assert_int_equal(system(command), 0);
}

/* ---- what must be refused ---- */

static void refuse(const void *bytes, size_t size, const char *says)
{
    struct lathe_error error = {0};
    struct pipeline *pipeline = bundle_read(bytes, size, &error);
    if (pipeline)
        fail_msg("taken, where \"%s\" was due", says);
    if (!strstr(error.message, says))
        fail_msg("\"%s\", and not \"%s\"", error.message, says);
    assert_true(error.code == LATHE_INVALID_MODEL || error.code == LATHE_UNSUPPORTED ||
                error.code == LATHE_LIMIT);
}

struct document {
    const char *name, *text;
};

/* A zip of these documents, a bundle.json and a root with the nodes. */
static void refuse_bundle(const struct document *documents, const char *nodes, const char *says)
{
    struct lathe_error error = {0};
    struct zip_out zip = {0};
    char root[512];
    const char *head = "{\"format\": \"json\", \"name\": \"x\"}";
    snprintf(root, sizeof root,
             "{\"op\": \"pipeline\", \"attributes\": {\"nodes\": {\"type\": \"list\", \"string\": "
             "[%s]}}}",
             nodes);
    assert_true(zip_add(&zip, "bundle.json", head, strlen(head), &error));
    assert_true(zip_add(&zip, "root/model.json", root, strlen(root), &error));
    for (; documents->name; documents++)
        assert_true(
            zip_add(&zip, documents->name, documents->text, strlen(documents->text), &error));
    assert_true(zip_finish(&zip, &error));
    refuse(zip.bytes, zip.size, says);
    zip_clear(&zip);
}

#define NODE(name, input, output)                                           \
    "{\"name\": \"" name "\", \"shape\": {\"inputs\": [{\"name\": \"" input \
    "\", \"port\": \"input\"}], \"outputs\": [{\"name\": \"" output "\", \"port\": \"output\"}]}}"

static void test_refused_bundles(void **state)
{
    (void)state;
    const char *abs_model =
        "{\"op\": \"math_unary\", \"attributes\": {\"operation\": {\"string\": \"abs\"}}}";
    const struct document none[] = {{NULL, NULL}};
    refuse_bundle(none, "", "it has no stages");
    refuse_bundle(none, "\"a\"", "it has no file 'root/a.node/model.json'");
    refuse_bundle(none, "\"../a\"", "names without slashes");
    refuse_bundle(none, "7", "names without slashes");
    const struct document unknown[] = {
        {"root/a.node/model.json", "{\"op\": \"k_means\", \"attributes\": {}}"},
        {"root/a.node/node.json", NODE("a", "x", "y")},
        {NULL, NULL}};
    refuse_bundle(unknown, "\"a\"", "the transformer \"k_means\"");
    const struct document cycle[] = {{"root/a.node/model.json", abs_model},
                                     {"root/a.node/node.json", NODE("a", "x", "y")},
                                     {"root/b.node/model.json", abs_model},
                                     {"root/b.node/node.json", NODE("b", "y", "x")},
                                     {NULL, NULL}};
    refuse_bundle(cycle, "\"a\", \"b\"", "makes column 'x', which stage 1 has already read");
    refuse_bundle(cycle, "\"a\", \"a\"", "it is named twice");
    const struct document itself[] = {{"root/a.node/model.json", abs_model},
                                      {"root/a.node/node.json", NODE("a", "x", "x")},
                                      {NULL, NULL}};
    refuse_bundle(itself, "\"a\"", "makes column 'x'");
    const struct document huge[] = {{"root/a.node/model.json",
                                     "{\"op\": \"one_hot_encoder\", \"attributes\": {"
                                     "\"category_sizes\": {\"type\": \"list\", \"int\": [1e18]}, "
                                     "\"drop_last\": {}}}"},
                                    {"root/a.node/node.json", NODE("a", "x", "y")},
                                    {NULL, NULL}};
    refuse_bundle(huge, "\"a\"", "category_sizes");
    const struct document wide[] = {
        {"root/a.node/model.json",
         "{\"op\": \"vector_assembler\", \"attributes\": {\"input_shapes\": {\"type\": \"list\", "
         "\"data_shape\": [{\"base\": \"tensor\", \"tensorShape\": {\"dimensions\": [{\"size\": "
         "4000000000}]}}]}}}"},
        {"root/a.node/node.json", NODE("a", "x", "y")},
        {NULL, NULL}};
    refuse_bundle(wide, "\"a\"", "input_shapes");
    const struct document splits[] = {{"root/a.node/model.json",
                                       "{\"op\": \"bucketizer\", \"attributes\": {\"splits\": "
                                       "{\"type\": \"list\", \"double\": [1, 3, 2]}}}"},
                                      {"root/a.node/node.json", NODE("a", "x", "y")},
                                      {NULL, NULL}};
    refuse_bundle(splits, "\"a\"", "splits must grow strictly");
    /* Pipelines inside pipelines, without end. */
    struct document deep[12] = {{NULL, NULL}};
    char names[11][256];
    char path[200] = "root";
    for (size_t i = 0; i < 11; i++) {
        strcat(path, "/a.node");
        snprintf(names[i], sizeof names[i], "%s/model.json", path);
        deep[i] = (struct document){
            names[i], "{\"op\": \"pipeline\", \"attributes\": {\"nodes\": {\"type\": \"list\", "
                      "\"string\": [\"a\"]}}}"};
    }
    deep[11] = (struct document){NULL, NULL};
    refuse_bundle(deep, "\"a\"", "nested more than 8 deep");
}

/* A small bundle that would make huge rows: it can be read, but not planned for. */
static void test_wide_rows(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    struct zip_out zip = {0};
    char root[1024] = "{\"op\": \"pipeline\", \"attributes\": {\"nodes\": {\"type\": \"list\", "
                      "\"string\": [";
    const char *head = "{\"format\": \"json\"}";
    const char *model = "{\"op\": \"one_hot_encoder\", \"attributes\": {\"category_sizes\": "
                        "{\"type\": \"list\", \"int\": [1000000]}, \"drop_last\": {}}}";
    for (int i = 0; i < 40; i++) {
        char path[64], node[256];
        snprintf(path, sizeof path, "root/n%d.node/model.json", i);
        assert_true(zip_add(&zip, path, model, strlen(model), &error));
        snprintf(path, sizeof path, "root/n%d.node/node.json", i);
        int size = snprintf(node, sizeof node,
                            "{\"name\": \"n%d\", \"shape\": {\"inputs\": [{\"name\": \"x\", "
                            "\"port\": \"input0\"}], \"outputs\": [{\"name\": \"y%d\", \"port\": "
                            "\"output0\"}]}}",
                            i, i);
        assert_true(zip_add(&zip, path, node, (size_t)size, &error));
        snprintf(root + strlen(root), sizeof root - strlen(root), "%s\"n%d\"", i ? ", " : "", i);
    }
    strcat(root, "]}}}");
    assert_true(zip_add(&zip, "root/model.json", root, strlen(root), &error));
    assert_true(zip_add(&zip, "bundle.json", head, strlen(head), &error));
    assert_true(zip_finish(&zip, &error));
    struct pipeline *pipeline = bundle_read(zip.bytes, zip.size, &error);
    if (!pipeline)
        fail_msg("%s", error.message);
    assert_null(plan_open(pipeline, NULL, 0, NULL, 0, &error));
    assert_int_equal(error.code, LATHE_LIMIT);
    const char *two[] = {"y3", "y7"};
    struct plan *plan = plan_open(pipeline, NULL, 0, two, 2, &error);
    assert_non_null(plan);
    plan_close(plan);
    pipeline_close(pipeline);
    zip_clear(&zip);
}

static void test_refused_archives(void **state)
{
    (void)state;
    struct lathe_error error = {0};
    refuse("", 0, "neither a zip, a tar nor a tar.gz");
    refuse("PK\3\4", 4, "no directory at its end");
    refuse("PK\5\6 and so on, but no more than that", 38, "corrupt");
    refuse("\x1F\x8B\x08 no", 6, "corrupt");
    struct zip_out outside = {0};
    assert_true(zip_add(&outside, "root/../../bundle.json", "{}", 2, &error));
    assert_true(zip_finish(&outside, &error));
    refuse(outside.bytes, outside.size, "outside of its folder");
    zip_clear(&outside);
    /* 64 MiB of blanks, which deflate to 64 KiB. */
    size_t size = ZIP_FILE;
    char *blanks = malloc(size);
    memset(blanks, ' ', size);
    struct zip_out bomb = {0};
    assert_true(zip_add(&bomb, "bundle.json", blanks, size, &error));
    assert_true(zip_finish(&bomb, &error));
    assert_true(bomb.size < 100000);
    refuse(bomb.bytes, bomb.size, "at most");
    /* Its header says less than there is. */
    bomb.bytes[22] = bomb.bytes[23] = bomb.bytes[24] = bomb.bytes[25] = 0;
    for (size_t at = 0; at + 28 < bomb.size; at++)
        if (memcmp(bomb.bytes + at, "PK\1\2", 4) == 0)
            memset(bomb.bytes + at + 24, 0, 4);
    refuse(bomb.bytes, bomb.size, "corrupt");
    zip_clear(&bomb);
    free(blanks);
}

/* Every cut of a good bundle is refused, and so is, or is read without harm, every bundle with one
 * byte changed. */
static void test_cut_and_changed(void **state)
{
    (void)state;
    size_t size;
    char *bytes = table_file(bundle_path("0.24", "labels", ".zip"), &size);
    assert_non_null(bytes);
    for (size_t cut = 0; cut < size; cut += 7) {
        struct pipeline *pipeline = bundle_read(bytes, cut, NULL);
        assert_null(pipeline);
    }
    for (size_t at = 0; at < size; at++) {
        bytes[at] ^= (char)(1 << at % 8);
        pipeline_close(bundle_read(bytes, size, NULL));
        bytes[at] ^= (char)(1 << at % 8);
    }
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundles_of_mleap), cmocka_unit_test(test_models_of_spark),
        cmocka_unit_test(test_other_forms),      cmocka_unit_test(test_written_again),
        cmocka_unit_test(test_folder),           cmocka_unit_test(test_refused_bundles),
        cmocka_unit_test(test_refused_archives), cmocka_unit_test(test_wide_rows),
        cmocka_unit_test(test_cut_and_changed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
