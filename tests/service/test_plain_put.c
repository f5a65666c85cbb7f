/* Bodies that are read without a tree, against the general way: what is taken means the same there,
 * and is valid by its shape; what clients send is taken. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/json.h"
#include "operation/shape.h"
#include "operation/validate.h"
#include "service/plain_put.h"

#define MUTATIONS 300000

static const struct form {
    const char *service, *operation, *stream_member;
    bool keyed;
} forms[] = {{"firehose", "PutRecordBatch", "DeliveryStreamName", false},
             {"kinesis", "PutRecords", "StreamName", true}};

static const char *const bodies[] = {
    "{\"DeliveryStreamName\": \"a.b-C_9\", \"Records\": [{\"Data\": \"\"}, {\"Data\": \"QQ==\"}, "
    "{\"Data\": \"QUI=\"}, {\"Data\": \"QUJD\"}, {\"Data\": \"+/+/QUJDRA==\"}]}",
    "{\"Records\":[{\"Data\":\"QUJD\"}],\"DeliveryStreamName\":\"x\"}",
    " {\t\"Records\" : [ { \"Data\":\"QUJD\" }\n] , \"DeliveryStreamName\" : \"x\"\r}\n ",
    "{\"StreamName\":\"x\",\"Records\":[{\"Data\":\"QUJD\",\"PartitionKey\":\"a key\"},"
    "{\"PartitionKey\":\"1\",\"Data\":\"QQ==\"}]}",
    "{\"Records\": [{\"Data\": \"QQ==\", \"PartitionKey\": \"k/~!\"}], \"StreamName\": \"y\"}",
};

static json_t *valid_request(struct patterns *patterns, const struct form *form, const char *body,
                             size_t size)
{
    const struct shape_service *service = shape_service_find(form->service);
    const struct shape_operation *operation = shape_operation_find(service, form->operation);
    g_autoptr(json_auto) request = json_parse(body, size, "the body", NULL);
    return request ? validate_request(patterns, service, operation, request, NULL) : NULL;
}

static void assert_same(const struct plain_put *put, const struct form *form, const json_t *request)
{
    const json_t *records = json_object_get(request, "Records");
    assert_string_equal(put->stream, json_text_at(request, form->stream_member));
    assert_int_equal(put->records->len, json_array_size(records));
    assert_int_equal(json_object_size(request), 2);
    for (guint i = 0; i < put->records->len; i++) {
        const struct plain_record *record = &g_array_index(put->records, struct plain_record, i);
        const json_t *given = json_array_get(records, i);
        gsize size;
        g_autofree guchar *bytes = g_base64_decode(json_text_at(given, "Data"), &size);
        assert_int_equal(record->size, size);
        assert_memory_equal(put->bytes->data + record->at, bytes, size);
        if (form->keyed)
            assert_string_equal((const char *)put->keys->data + record->key,
                                json_text_at(given, "PartitionKey"));
    }
}

/* Whether it is taken. */
static bool compare(struct patterns *patterns, const struct form *form, const char *body,
                    size_t size)
{
    struct plain_put put;
    g_autofree char *exact = g_memdup2(body, size); /* so that a step beyond it is seen */
    bool taken = plain_put_read(&put, form->stream_member, form->keyed, exact, size);
    if (taken) {
        g_autoptr(json_auto) request = valid_request(patterns, form, body, size);
        assert_non_null(request);
        assert_same(&put, form, request);
    }
    plain_put_clear(&put);
    return taken;
}

static void what_clients_send_is_taken(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++) {
        const struct form *form = &forms[i > 2];
        assert_true(compare(patterns, form, bodies[i], strlen(bodies[i])));
        assert_false(compare(patterns, &forms[i <= 2], bodies[i], strlen(bodies[i])));
    }
    patterns_free(patterns);
}

/* A few bytes are others, are gone, are there twice, or are cut off. */
static void mutate(GRand *random, GString *body)
{
    static const char marks[] = "\"\\{}[]:,= \n\x01\x7f\xc3\xbc"
                                "aA+/0null";
    for (int changes = g_rand_int_range(random, 1, 4); changes && body->len; changes--) {
        gssize at = g_rand_int_range(random, 0, (gint)body->len);
        gssize size = g_rand_int_range(random, 1, 12);
        size = MIN(size, (gssize)body->len - at);
        g_autofree char *piece = g_strndup(body->str + at, (gsize)size);
        switch (g_rand_int_range(random, 0, 5)) {
        case 0:
            body->str[at] = marks[g_rand_int_range(random, 0, sizeof marks - 1)];
            break;
        case 1:
            g_string_erase(body, at, size);
            break;
        case 2:
            g_string_insert(body, at, piece);
            break;
        case 3:
            g_string_insert(body, g_rand_int_range(random, 0, (gint)body->len), piece);
            break;
        default:
            g_string_truncate(body, (gsize)at);
        }
    }
}

static void what_is_taken_means_the_same_in_the_general_way(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    g_autoptr(GRand) random = g_rand_new_with_seed(12);
    guint taken = 0;
    for (int i = 0; i < MUTATIONS; i++) {
        int which = g_rand_int_range(random, 0, G_N_ELEMENTS(bodies));
        g_autoptr(GString) body = g_string_new(bodies[which]);
        mutate(random, body);
        taken += compare(patterns, &forms[which > 2], body->str, body->len);
    }
    assert_true(taken > MUTATIONS / 100);
    patterns_free(patterns);
}

static void too_much_is_left_to_the_general_way(void **state)
{
    (void)state;
    struct patterns *patterns = patterns_new();
    for (guint count = 499; count <= 501; count++) {
        g_autoptr(GString) body = g_string_new("{\"DeliveryStreamName\":\"x\",\"Records\":[");
        for (guint i = 0; i < count; i++)
            g_string_append(body, i ? ",{\"Data\":\"QUJD\"}" : "{\"Data\":\"QUJD\"}");
        g_string_append(body, "]}");
        assert_int_equal(compare(patterns, &forms[0], body->str, body->len), count <= 500);
    }
    for (guint size = 1023999; size <= 1024001; size++) {
        g_autofree guchar *bytes = g_malloc0(size);
        g_autofree char *data = g_base64_encode(bytes, size);
        g_autofree char *body =
            g_strdup_printf("{\"DeliveryStreamName\":\"x\",\"Records\":[{\"Data\":\"%s\"}]}", data);
        assert_int_equal(compare(patterns, &forms[0], body, strlen(body)), size <= 1024000);
    }
    patterns_free(patterns);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_clients_send_is_taken),
        cmocka_unit_test(what_is_taken_means_the_same_in_the_general_way),
        cmocka_unit_test(too_much_is_left_to_the_general_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
