/* Endpoints: what an invocation answers, how variants share the traffic, and updates under load.
 *
 * The models are trees of one split that XGBoost 3.2 trained and wrote (its predictions on rows 0
 * and 1 are the labels: 1 and 3, or 2 and 4), packed as a training job packs them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/archive.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "container/fused_model.h"
#include "lake/lake.h"
#include "serve/captures.h"
#include "serve/endpoint.h"
#include "serve/place.h"

static const char model_text[] =
    "{\"learner\":{\"attributes\":{},\"feature_names\":[],\"feature_types\":[],"
    "\"gradient_booster\":{\"model\":{\"cats\":{\"enc\":[],\"feature_segments\":[],"
    "\"sorted_idx\":[]},\"gbtree_model_param\":{\"num_parallel_tree\":\"1\",\"num_trees\":\"1\"},"
    "\"iteration_indptr\":[0,1],\"tree_info\":[0],\"trees\":[{\"base_weights\":[0E0,%dE0,%dE0],"
    "\"categories\":[],\"categories_nodes\":[],\"categories_segments\":[],\"categories_sizes\":[],"
    "\"default_left\":[0,0,0],\"id\":0,\"left_children\":[1,-1,-1],\"loss_changes\":[2E0,0E0,0E0],"
    "\"parents\":[2147483647,0,0],\"right_children\":[2,-1,-1],"
    "\"split_conditions\":[1E0,%dE0,%dE0],\"split_indices\":[0,0,0],\"split_type\":[0,0,0],"
    "\"sum_hessian\":[2E0,1E0,1E0],\"tree_param\":{\"num_deleted\":\"0\",\"num_feature\":\"2\","
    "\"num_nodes\":\"3\",\"size_leaf_vector\":\"1\"}}]},\"name\":\"gbtree\"},"
    "\"learner_model_param\":{\"base_score\":\"[0E0]\",\"boost_from_average\":\"0\","
    "\"num_class\":\"0\",\"num_feature\":\"2\",\"num_target\":\"1\"},"
    "\"objective\":{\"name\":\"reg:squarederror\",\"reg_loss_param\":{\"scale_pos_weight\":\"1\"}}}"
    ",\"version\":[3,2,0]}";

struct fixture {
    char *home;
    struct store *store;
    struct lake *lake;
    struct endpoints *endpoints;
    struct served_model *low, *high; /* answer 1 and 3, or 2 and 4 */
};

static void no_error(const GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static void put_archive(struct fixture *fixture, const char *key, const char *file,
                        const char *content)
{
    GError *error = NULL;
    g_autofree char *folder = g_build_filename(fixture->home, "packing", NULL);
    g_autofree char *path = g_build_filename(folder, file, NULL);
    g_autofree char *archive = g_build_filename(fixture->home, "model.tar.gz", NULL);
    file_make_folders(folder, &error);
    no_error(error);
    file_replace(path, content, strlen(content), &error);
    no_error(error);
    archive_write(folder, archive, &error);
    no_error(error);
    lake_put_file(fixture->lake, "bucket", key, archive, &error);
    no_error(error);
    file_remove_tree(folder, NULL);
}

static struct served_model *open_model(struct fixture *fixture, const char *key,
                                       const char *environment, GError **error)
{
    g_autofree char *uri = g_strdup_printf("s3://bucket/%s", key);
    g_autoptr(json_auto) containers =
        json_pack("[{ssssso}]", "Image", "xgboost:3.2-0", "ModelDataUrl", uri, "Environment",
                  json_loads(environment, 0, NULL));
    struct model_objects objects = lake_objects(fixture->lake);
    return fused_model_open(&objects, containers, error);
}

static struct served_model *make_model(struct fixture *fixture, const char *key, int left,
                                       int right)
{
    GError *error = NULL;
    g_autofree char *text = g_strdup_printf(model_text, left, right, left, right);
    put_archive(fixture, key, "xgboost-model", text);
    struct served_model *model = open_model(fixture, key, "{}", &error);
    no_error(error);
    return model;
}

static int up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    GError *error = NULL;
    fixture->home = g_dir_make_tmp("lathe-serve-XXXXXX", NULL);
    g_autofree char *database = g_build_filename(fixture->home, "meta.db", NULL);
    g_autofree char *folder = g_build_filename(fixture->home, "lake", NULL);
    fixture->store = store_open(database, &error);
    no_error(error);
    fixture->lake = lake_open(fixture->store, folder, &error);
    no_error(error);
    lake_bucket_create(fixture->lake, "bucket", "us-east-1", &error);
    no_error(error);
    fixture->endpoints = endpoints_new();
    fixture->low = make_model(fixture, "low.tar.gz", 1, 3);
    fixture->high = make_model(fixture, "high.tar.gz", 2, 4);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    served_model_unref(fixture->low);
    served_model_unref(fixture->high);
    endpoints_free(fixture->endpoints);
    lake_close(fixture->lake);
    store_close(fixture->store);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

static void put_one(struct fixture *fixture, const char *variant, struct served_model *model)
{
    struct endpoint_variant one = {.name = variant, .weight = 1, .model = model};
    endpoints_put(fixture->endpoints, "e", &one, 1, NULL);
}

static void put_two(struct fixture *fixture, double low, double high)
{
    struct endpoint_variant two[] = {{.name = "low", .weight = low, .model = fixture->low},
                                     {.name = "high", .weight = high, .model = fixture->high}};
    endpoints_put(fixture->endpoints, "e", two, 2, NULL);
}

static struct invocation ask(const char *rows)
{
    return (struct invocation){.endpoint = "e",
                               .account = "123456789012",
                               .content_type = "text/csv",
                               .bytes = rows,
                               .size = strlen(rows)};
}

static void expect_answer(struct fixture *fixture, struct invocation invocation, const char *type,
                          const char *body)
{
    GError *error = NULL;
    struct invocation_reply reply = {0};
    endpoint_invoke(fixture->endpoints, &invocation, &reply, &error);
    no_error(error);
    assert_string_equal(reply.content_type, type);
    assert_int_equal(reply.body.size, strlen(body));
    assert_memory_equal(reply.body.bytes, body, reply.body.size);
    invocation_reply_clear(&reply);
}

static void expect_refusal(struct fixture *fixture, struct invocation invocation, unsigned status,
                           const char *words)
{
    g_autoptr(GError) error = NULL;
    struct invocation_reply reply = {0};
    assert_false(endpoint_invoke(fixture->endpoints, &invocation, &reply, &error));
    assert_int_equal(reply.refused_status, status);
    assert_true(
        g_error_matches(error, LATHE_ERROR, status ? ERROR_MODEL : ERROR_VALIDATION_RUNTIME));
    const char *said = status ? reply.refusal : error->message;
    if (!strstr(said, words))
        fail_msg("\"%s\" does not say \"%s\"", said, words);
    invocation_reply_clear(&reply);
}

/* ---- answers ---- */

static void rows_are_answered_as_the_container_does(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, "v", fixture->low);
    struct invocation rows = ask("0,5\n1,5\n");
    expect_answer(fixture, rows, "text/csv; charset=utf-8", "1.0\n3.0\n");
    rows.content_type = "text/csv; charset=utf-8";
    rows.accept = "*/*";
    expect_answer(fixture, rows, "text/csv; charset=utf-8", "1.0\n3.0\n");
    rows.accept = "application/json";
    expect_answer(fixture, rows, "application/json",
                  "{\"predictions\": [{\"score\": 1.0}, {\"score\": 3.0}]}");
    rows = ask("0:0 1:1\n0:5");
    rows.content_type = NULL;
    expect_answer(fixture, rows, "text/csv; charset=utf-8", "1.0\n3.0\n");
}

static void a_model_may_choose_what_it_answers_by_default(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    struct served_model *model =
        open_model(fixture, "low.tar.gz",
                   "{\"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT\": \"application/json\"}", &error);
    no_error(error);
    put_one(fixture, "v", model);
    served_model_unref(model);
    struct invocation row = ask("0,5");
    expect_answer(fixture, row, "application/json", "{\"predictions\": [{\"score\": 1.0}]}");
    row.accept = "*/*";
    expect_answer(fixture, row, "application/json", "{\"predictions\": [{\"score\": 1.0}]}");
    row.accept = "text/csv";
    expect_answer(fixture, row, "text/csv; charset=utf-8", "1.0\n");
}

static void no_rows_have_no_answer(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, "v", fixture->low);
    struct invocation nothing = ask("");
    struct invocation_reply reply = {0};
    assert_true(endpoint_invoke(fixture->endpoints, &nothing, &reply, NULL));
    assert_null(reply.content_type);
    assert_int_equal(reply.body.size, 0);
    invocation_reply_clear(&reply);
}

static void what_the_container_refuses_is_refused_with_its_status(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, "v", fixture->low);
    struct invocation invocation = ask("0,5\n1,word\n");
    expect_refusal(fixture, invocation, 415, "word");
    invocation.accept = "image/png"; /* the rows are looked at first */
    expect_refusal(fixture, invocation, 415, "word");
    invocation = ask("0,5");
    invocation.accept = "image/png";
    expect_refusal(fixture, invocation, 406, "image/png");
    invocation.accept =
        "application/jsonlines"; /* which it writes only where content is selected */
    expect_refusal(fixture, invocation, 500, "application/jsonlines");
    invocation.content_type = "image/png";
    expect_refusal(fixture, invocation, 415, "image/png");
}

/* Plain numbers are read by a shorter way than others, many bytes at a time: nothing that Python
 * reads otherwise may slip by it. */
static void what_is_odd_is_seen_wherever_it_stands(void **state)
{
    enum { ROWS = 150 };
    static const char *const odd[] = {"0, \n", "\n", "1e39,5\n", "0,\"\"\n", "0,\r\n", "0,_\n"};
    struct fixture *fixture = *state;
    put_one(fixture, "v", fixture->low);
    for (int i = 0; i < ROWS * (int)G_N_ELEMENTS(odd); i++) {
        g_autoptr(GString) rows = g_string_new("0,5\n");
        for (int row = 1; row < ROWS; row++)
            g_string_append(rows, row == i % ROWS ? odd[i / ROWS] : "0,5\n");
        g_string_append(rows, "0,5\n");
        if (i % ROWS)
            expect_refusal(fixture, ask(rows->str), 415, "Loading csv data failed");
    }
}

static void what_is_not_there_is_named(void **state)
{
    struct fixture *fixture = *state;
    put_one(fixture, "v", fixture->low);
    struct invocation invocation = ask("0,5");
    invocation.target_variant = "w";
    expect_refusal(fixture, invocation, 0, "Variant w of endpoint e");
    endpoints_remove(fixture->endpoints, "e");
    expect_refusal(fixture, ask("0,5"), 0, "Endpoint e of account 123456789012 not found");
    assert_false(endpoints_weigh(fixture->endpoints, "e", "v", 1));
}

static void a_model_that_cannot_be_opened_says_why(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GError) missing = NULL;
    assert_null(open_model(fixture, "none.tar.gz", "{}", &missing));
    assert_non_null(strstr(missing->message, "none.tar.gz"));
    put_archive(fixture, "words.tar.gz", "xgboost-model", "these are no trees");
    g_autoptr(GError) words = NULL;
    assert_null(open_model(fixture, "words.tar.gz", "{}", &words));
    assert_non_null(strstr(words->message, "s3://bucket/words.tar.gz: xgboost-model: "));
    put_archive(fixture, "pickle.tar.gz", "model.pkl", "\x80\x04N.");
    g_autoptr(GError) pickle = NULL;
    assert_null(open_model(fixture, "pickle.tar.gz", "{}", &pickle));
}

/* ---- traffic ---- */

/* How many of `asked` requests the variant "low" answers. */
static int share_of_low(struct fixture *fixture, int asked)
{
    int low = 0;
    for (int i = 0; i < asked; i++) {
        struct invocation row = ask("0,5");
        struct invocation_reply reply = {0};
        GError *error = NULL;
        endpoint_invoke(fixture->endpoints, &row, &reply, &error);
        no_error(error);
        bool is_low = strcmp(reply.variant, "low") == 0;
        assert_memory_equal(reply.body.bytes, is_low ? "1.0" : "2.0", 3);
        low += is_low;
        invocation_reply_clear(&reply);
    }
    return low;
}

static void variants_share_the_traffic_by_their_weights(void **state)
{
    struct fixture *fixture = *state;
    put_two(fixture, 9, 1);
    assert_in_range(share_of_low(fixture, 1000), 890, 910);
    put_two(fixture, 0.25, 0.75);
    assert_in_range(share_of_low(fixture, 1000), 240, 260);
    put_two(fixture, 1, 0);
    assert_int_equal(share_of_low(fixture, 100), 100);
    put_two(fixture, 0, 1);
    assert_int_equal(share_of_low(fixture, 100), 0);
    assert_true(endpoints_weigh(fixture->endpoints, "e", "low", 3));
    assert_in_range(share_of_low(fixture, 1000), 740, 760);
    assert_false(endpoints_weigh(fixture->endpoints, "e", "none", 3));
    assert_in_range(share_of_low(fixture, 1000), 740, 760);
}

static void a_request_may_choose_its_variant(void **state)
{
    struct fixture *fixture = *state;
    put_two(fixture, 1, 0);
    struct invocation row = ask("0,5");
    row.target_variant = "high";
    for (int i = 0; i < 10; i++)
        expect_answer(fixture, row, "text/csv; charset=utf-8", "2.0\n");
}

struct asker {
    struct fixture *fixture;
    atomic_bool *stop;
    long low, high, failed;
    pthread_t thread;
};

static void *keep_asking(void *data)
{
    struct asker *asker = data;
    while (!atomic_load(asker->stop)) {
        struct invocation row = ask("1,5");
        struct invocation_reply reply = {0};
        bool answered = endpoint_invoke(asker->fixture->endpoints, &row, &reply, NULL);
        bool low = answered && reply.body.size == 4 && memcmp(reply.body.bytes, "3.0\n", 4) == 0;
        bool high = answered && reply.body.size == 4 && memcmp(reply.body.bytes, "4.0\n", 4) == 0;
        /* What answers is the model of the variant that is named. */
        if (low && strcmp(reply.variant, "low") == 0)
            asker->low++;
        else if (high && strcmp(reply.variant, "high") == 0)
            asker->high++;
        else
            asker->failed++;
        invocation_reply_clear(&reply);
    }
    return NULL;
}

/* Each update brings a freshly opened model and drops the last use of the one before. */
static void no_request_fails_while_an_endpoint_is_updated(void **state)
{
    enum { ASKERS = 4, UPDATES = 200 };
    struct fixture *fixture = *state;
    atomic_bool stop = false;
    struct asker askers[ASKERS];
    put_one(fixture, "low", fixture->low);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (struct asker){.fixture = fixture, .stop = &stop};
        pthread_create(&askers[i].thread, NULL, keep_asking, &askers[i]);
    }
    for (int i = 0; i < UPDATES; i++) {
        GError *error = NULL;
        bool high = i % 2 == 0;
        struct served_model *fresh =
            open_model(fixture, high ? "high.tar.gz" : "low.tar.gz", "{}", &error);
        no_error(error);
        put_one(fixture, high ? "high" : "low", fresh);
        served_model_unref(fresh);
        assert_true(endpoints_weigh(fixture->endpoints, "e", high ? "high" : "low", 2));
    }
    atomic_store(&stop, true);
    long low = 0, high = 0;
    for (int i = 0; i < ASKERS; i++) {
        pthread_join(askers[i].thread, NULL);
        assert_int_equal(askers[i].failed, 0);
        low += askers[i].low;
        high += askers[i].high;
    }
    assert_true(low > 0 && high > 0);
}

/* ---- where it runs ---- */

static void small_bodies_are_quick_and_others_are_not(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", 10), PACE_BLOCKING);
    put_two(fixture, 1, 1);
    assert_int_equal(endpoint_pace(fixture->endpoints, "E", 10), PACE_QUICK);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", FUSED_QUICK_BYTES), PACE_QUICK);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", FUSED_QUICK_BYTES + 1), PACE_BLOCKING);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", -1), PACE_BLOCKING);
}

static bool wait(void *model, const struct invocation *invocation, struct invocation_reply *reply,
                 GError **error)
{
    (void)model, (void)invocation, (void)reply, (void)error;
    return true;
}

static void let_be(void *model)
{
    (void)model;
}

/* One variant that waits makes all of an endpoint's requests go where they may wait. */
static void an_endpoint_is_as_quick_as_its_slowest_variant(void **state)
{
    static const struct served_model_kind blocks = {.answer = wait, .close = let_be},
                                          waits = {.answer = wait,
                                                   .close = let_be,
                                                   .quick_bytes = 10,
                                                   .waits = true};
    struct fixture *fixture = *state;
    struct served_model *slow = served_model_new(&blocks, NULL);
    struct served_model *apart = served_model_new(&waits, NULL);
    struct endpoint_variant two[] = {{"low", 1, fixture->low}, {"slow", 0, slow}};
    endpoints_put(fixture->endpoints, "e", two, 2, NULL);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", 0), PACE_BLOCKING);
    endpoints_put(fixture->endpoints, "e", two, 1, NULL);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", 0), PACE_QUICK);
    two[1].model = apart;
    endpoints_put(fixture->endpoints, "e", two, 2, NULL);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", 10), PACE_WAITING);
    assert_int_equal(endpoint_pace(fixture->endpoints, "e", 11), PACE_BLOCKING);
    served_model_unref(slow);
    served_model_unref(apart);
}

/* ---- captures ---- */

static void put_captured(struct fixture *fixture, struct captures *captures)
{
    g_autoptr(json_auto) config = json_pack(
        "{sbsisss[{ss}{ss}]s{s[s]}}", "EnableCapture", 1, "InitialSamplingPercentage", 100,
        "DestinationS3Uri", "s3://bucket/captured", "CaptureOptions", "CaptureMode", "Input",
        "CaptureMode", "Output", "CaptureContentTypeHeader", "CsvContentTypes", "text/csv");
    struct endpoint_capture *capture = endpoint_capture_new(captures, "e", config);
    struct endpoint_variant one = {.name = "v", .weight = 1, .model = fixture->low};
    endpoints_put(fixture->endpoints, "e", &one, 1, capture);
    endpoint_capture_unref(capture);
}

static json_t *captured_record(struct fixture *fixture)
{
    GError *error = NULL;
    g_autoptr(GPtrArray) found = lake_list(fixture->lake, "bucket", "captured/e/v/", &error);
    no_error(error);
    assert_int_equal(found->len, 1);
    const struct lake_object *object = g_ptr_array_index(found, 0);
    g_autofree char *uri = g_strdup_printf("s3://bucket/%s", object->key);
    g_autoptr(GBytes) bytes = lake_get_bytes(fixture->lake, uri, 1 << 20, &error);
    no_error(error);
    gsize size;
    const char *line = g_bytes_get_data(bytes, &size);
    assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
    return json_loadb(line, size, 0, NULL);
}

static void what_was_answered_is_captured_and_what_was_refused_is_not(void **state)
{
    struct fixture *fixture = *state;
    struct clock *clock = clock_open(NULL);
    struct captures *captures = captures_new(fixture->lake, clock);
    put_captured(fixture, captures);
    assert_true(endpoints_weigh(fixture->endpoints, "e", "v", 2)); /* which keeps the captures */
    struct invocation row = ask("0,5");
    row.endpoint = "E"; /* captured under the name that it was created with */
    expect_answer(fixture, row, "text/csv; charset=utf-8", "1.0\n");
    expect_refusal(fixture, ask("word,5"), 415, "word");
    endpoints_remove(fixture->endpoints, "e");
    captures_free(captures);
    clock_close(clock);
    g_autoptr(json_auto) record = captured_record(fixture);
    assert_string_equal(json_text_at(record, "captureData.endpointInput.data"), "0,5");
    assert_string_equal(json_text_at(record, "captureData.endpointOutput.data"), "1.0\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rows_are_answered_as_the_container_does, up, down),
        cmocka_unit_test_setup_teardown(a_model_may_choose_what_it_answers_by_default, up, down),
        cmocka_unit_test_setup_teardown(no_rows_have_no_answer, up, down),
        cmocka_unit_test_setup_teardown(what_the_container_refuses_is_refused_with_its_status, up,
                                        down),
        cmocka_unit_test_setup_teardown(what_is_odd_is_seen_wherever_it_stands, up, down),
        cmocka_unit_test_setup_teardown(what_is_not_there_is_named, up, down),
        cmocka_unit_test_setup_teardown(a_model_that_cannot_be_opened_says_why, up, down),
        cmocka_unit_test_setup_teardown(variants_share_the_traffic_by_their_weights, up, down),
        cmocka_unit_test_setup_teardown(a_request_may_choose_its_variant, up, down),
        cmocka_unit_test_setup_teardown(no_request_fails_while_an_endpoint_is_updated, up, down),
        cmocka_unit_test_setup_teardown(small_bodies_are_quick_and_others_are_not, up, down),
        cmocka_unit_test_setup_teardown(an_endpoint_is_as_quick_as_its_slowest_variant, up, down),
        cmocka_unit_test_setup_teardown(what_was_answered_is_captured_and_what_was_refused_is_not,
                                        up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
