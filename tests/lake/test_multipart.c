/* Multipart uploads: parts in any order, several at once, sent again, left out; and that bytes are
 * where they should be without being written twice. The lake itself does not ask for 5 MiB. */
#include "lake_fixture.h"

#include <pthread.h>

#define PART ((size_t)100000)

static struct lake_upload *start(struct lake *lake)
{
    GError *error = NULL;
    struct lake_upload *upload = g_new0(struct lake_upload, 1);
    upload->bucket = g_strdup("bucket");
    upload->key = g_strdup("key");
    upload->checksum = CHECKSUM_CRC64NVME;
    lake_upload_create(lake, upload, &error);
    no_error(error);
    return upload;
}

static struct lake_part *send(struct lake *lake, const struct lake_upload *upload, int number,
                              GBytes *bytes)
{
    GError *error = NULL;
    g_autoptr(stream_auto) body = stream_from_bytes(bytes);
    g_autoptr(lake_draft_auto) draft = lake_part_receive(lake, upload, number, body, 0, &error);
    no_error(error);
    struct lake_part *part = lake_part_commit(lake, upload, number, draft, NULL, &error);
    no_error(error);
    return part;
}

static void send_seeded(struct lake *lake, const struct lake_upload *upload, int number,
                        size_t size, unsigned seed)
{
    g_autoptr(GBytes) bytes = body_of(size, seed);
    lake_part_free(send(lake, upload, number, bytes));
}

static void append(GByteArray *whole, size_t size, unsigned seed)
{
    g_autoptr(GBytes) bytes = body_of(size, seed);
    g_byte_array_append(whole, g_bytes_get_data(bytes, NULL), (guint)size);
}

/* Completes with the parts that are there and compares the object. */
static struct lake_object *finish(struct lake *lake, const struct lake_upload *upload,
                                  GByteArray *expected)
{
    GError *failure = NULL;
    g_autoptr(GPtrArray) parts = lake_part_list(lake, upload, 0, LAKE_PARTS_LIMIT, &failure);
    no_error(failure);
    struct lake_entry entry = {.bucket = "bucket", .key = "key", .etag = "etag-1"};
    struct lake_object *object = lake_upload_complete(lake, upload, parts, &entry, &failure);
    no_error(failure);
    g_autoptr(GBytes) bytes = g_bytes_new(expected->data, expected->len);
    assert_object(lake, "key", bytes);
    assert_fails(lake_upload_get(lake, "bucket", "key", upload->id, error), ERROR_NO_SUCH_UPLOAD);
    return object;
}

static void any_order_stays_in_place(void **state)
{
    struct fixture *fixture = *state;
    static const int orders[][4] = {{1, 2, 3, 4}, {3, 1, 2, 4}, {2, 4, 3, 1}, {4, 3, 2, 1}};
    for (size_t o = 0; o < G_N_ELEMENTS(orders); o++) {
        struct lake_upload *upload = start(fixture->lake);
        for (int i = 0; i < 4; i++)
            send_seeded(fixture->lake, upload, orders[o][i], orders[o][i] == 4 ? 1234 : PART,
                        (unsigned)orders[o][i]);
        g_autoptr(GByteArray) whole = g_byte_array_new();
        for (unsigned i = 1; i <= 4; i++)
            append(whole, i == 4 ? 1234 : PART, i);
        g_autoptr(lake_upload_auto) now =
            lake_upload_get(fixture->lake, "bucket", "key", upload->id, NULL);
        g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
        assert_string_equal(object->id, now->file); /* the parts' own file became the object's */
        assert_files(fixture, 1);
        lake_upload_free(upload);
    }
}

static void sizes_that_differ(void **state)
{
    struct fixture *fixture = *state;
    static const size_t sizes[] = {70000, 200000, 65536, 200000, 1};
    struct lake_upload *upload = start(fixture->lake);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    for (unsigned i = 0; i < G_N_ELEMENTS(sizes); i++) {
        send_seeded(fixture->lake, upload, (int)i * 7 + 3, sizes[i], i);
        append(whole, sizes[i], i);
    }
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    assert_files(fixture, 1);
    lake_upload_free(upload);
}

static void parts_sent_again_replace(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    for (unsigned round = 0; round < 3; round++)
        for (int number = 1; number <= 3; number++)
            send_seeded(fixture->lake, upload, number, PART, 10 * round + (unsigned)number);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    for (unsigned number = 1; number <= 3; number++)
        append(whole, PART, 20 + number);
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    assert_files(fixture, 1);
    lake_upload_free(upload);
}

struct cut_body {
    gint64 left;
};

static gssize cut_read(void *state, void *buffer, size_t size, GError **error)
{
    struct cut_body *body = state;
    if (body->left <= 0) {
        error_set(error, ERROR_INCOMPLETE_BODY, "the client went away");
        return -1;
    }
    gssize n = (gssize)MIN((gint64)size, body->left);
    memset(buffer, 'x', (size_t)n);
    body->left -= n;
    return n;
}

/* A part that is there must survive a second attempt at it that dies half-way. */
static void a_cut_repeat_harms_nothing(void **state)
{
    struct fixture *fixture = *state;
    static const struct stream_source source = {cut_read, NULL};
    struct lake_upload *upload = start(fixture->lake);
    send_seeded(fixture->lake, upload, 1, PART, 1);
    send_seeded(fixture->lake, upload, 2, PART, 2);
    for (int number = 1; number <= 3; number++) {
        struct cut_body cut = {50000};
        g_autoptr(stream_auto) body = stream_new(&source, &cut, (gint64)PART);
        assert_fails(lake_part_receive(fixture->lake, upload, number, body, 0, error),
                     ERROR_INCOMPLETE_BODY);
    }
    g_autoptr(GByteArray) whole = g_byte_array_new();
    append(whole, PART, 1);
    append(whole, PART, 2);
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    assert_int_equal(object->size, 2 * PART); /* what part 3 left is cut off */
    lake_upload_free(upload);
}

/* As a client lists them; `replace` comes between the list and the completion. */
static void complete_late(struct fixture *fixture, bool alone, unsigned replace, bool stands)
{
    struct lake_upload *upload = start(fixture->lake);
    for (int number = 1; number <= 2; number++)
        send_seeded(fixture->lake, upload, number, PART, (unsigned)number);
    if (alone)
        send_seeded(fixture->lake, upload, 1, PART, 1); /* again: a file of its own */
    g_autoptr(GPtrArray) parts = lake_part_list(fixture->lake, upload, 0, 10, NULL);
    send_seeded(fixture->lake, upload, 1, PART, replace);
    assert_files(fixture, 2); /* what the replaced one had to itself is gone */
    struct lake_entry entry = {.bucket = "bucket", .key = "key", .etag = "etag-1"};
    if (!stands)
        assert_fails(lake_upload_complete(fixture->lake, upload, parts, &entry, error),
                     ERROR_INVALID_PART);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    append(whole, PART, replace);
    append(whole, PART, 2);
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    lake_delete(fixture->lake, "bucket", "key", NULL);
    assert_files(fixture, 0);
    lake_upload_free(upload);
}

static void a_part_that_was_replaced_is_told(void **state)
{
    complete_late(*state, false, 1, true);
    complete_late(*state, false, 3, false);
    complete_late(*state, true, 1, false);
    complete_late(*state, true, 3, false);
}

static void left_out_parts(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    for (int number = 1; number <= 4; number++)
        send_seeded(fixture->lake, upload, number, PART, (unsigned)number);
    g_autoptr(GPtrArray) parts = lake_part_list(fixture->lake, upload, 0, 10, NULL);
    g_ptr_array_remove_index(parts, 1);
    struct lake_entry entry = {.bucket = "bucket", .key = "key", .etag = "etag-1"};
    /* A condition that fails leaves the upload as it was ... */
    entry.if_match = "none";
    assert_fails(lake_upload_complete(fixture->lake, upload, parts, &entry, error),
                 ERROR_NO_SUCH_KEY);
    entry.if_match = NULL;
    g_autoptr(lake_object_auto) object =
        lake_upload_complete(fixture->lake, upload, parts, &entry, NULL);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    append(whole, PART, 1);
    append(whole, PART, 3);
    append(whole, PART, 4);
    g_autoptr(GBytes) expected = g_bytes_new(whole->data, whole->len);
    assert_object(fixture->lake, "key", expected);
    assert_files(fixture, 1);
    lake_upload_free(upload);
}

static void survives_reopening(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    send_seeded(fixture->lake, upload, 2, PART, 2);
    fixture_close(fixture);
    fixture_open(fixture);
    g_usleep(100000); /* the collector must not take what parts are in */
    send_seeded(fixture->lake, upload, 3, 777, 3);
    send_seeded(fixture->lake, upload, 1, PART, 1);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    append(whole, PART, 1);
    append(whole, PART, 2);
    append(whole, 777, 3);
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    lake_upload_free(upload);
}

static void abort_removes_everything(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    send_seeded(fixture->lake, upload, 1, 1000, 1);
    send_seeded(fixture->lake, upload, 2, PART, 2);
    send_seeded(fixture->lake, upload, 2, PART, 3);
    assert_true(lake_upload_abort(fixture->lake, upload, NULL));
    assert_files(fixture, 0);
    g_autoptr(GBytes) bytes = body_of(10, 1);
    g_autoptr(stream_auto) body = stream_from_bytes(bytes);
    assert_fails(lake_part_receive(fixture->lake, upload, 1, body, 0, error), ERROR_NO_SUCH_UPLOAD);
    lake_upload_free(upload);
}

/* A part whose upload ends in the middle of it: before its file is made, or while it is written. */
struct ended_body {
    struct fixture *fixture;
    struct lake_upload *upload;
    gint64 left, end_at;
    bool with_bucket;
};

static gssize ended_read(void *state, void *buffer, size_t size, GError **error)
{
    struct ended_body *body = state;
    if (body->left <= body->end_at) {
        body->end_at = -1;
        if (body->with_bucket)
            assert_true(lake_bucket_delete(body->fixture->lake, "bucket", error));
        else
            assert_true(lake_upload_abort(body->fixture->lake, body->upload, error));
        g_usleep(50000); /* the collector removes the file */
    }
    gssize n = MIN((gssize)size, (gssize)(body->left - MAX(body->end_at, 0)));
    memset(buffer, 'x', (size_t)n);
    body->left -= n;
    return n;
}

static void a_part_under_way_leaves_nothing_of_an_ended_upload(void **state)
{
    struct fixture *fixture = *state;
    static const struct stream_source source = {ended_read, NULL};
    for (int i = 0; i < 4; i++) {
        struct lake_upload *upload = start(fixture->lake);
        struct ended_body ended = {fixture, upload, PART, i % 2 ? PART : PART / 2, i >= 2};
        g_autoptr(stream_auto) body = stream_new(&source, &ended, PART);
        g_autoptr(lake_draft_auto) draft =
            lake_part_receive(fixture->lake, upload, 1, body, 0, NULL);
        assert_non_null(draft);
        assert_fails(lake_part_commit(fixture->lake, upload, 1, draft, NULL, error),
                     ERROR_NO_SUCH_UPLOAD);
        g_clear_pointer(&draft, lake_draft_free);
        assert_files(fixture, 0);
        lake_upload_free(upload);
        if (ended.with_bucket)
            assert_true(lake_bucket_create(fixture->lake, "bucket", "us-east-1", NULL));
    }
}

static void deleting_the_bucket_gives_uploads_up(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    send_seeded(fixture->lake, upload, 1, PART, 1);
    assert_true(lake_bucket_delete(fixture->lake, "bucket", NULL));
    assert_files(fixture, 0);
    lake_upload_free(upload);
}

/* ---- many at once ---- */

enum { SENDERS = 8, ROUNDS = 6, PARTS = 12 };

struct sender {
    struct lake *lake;
    const struct lake_upload *upload;
    unsigned seed;
};

/* Every sender sends every part, in an order of its own; all send the same bytes. */
static void *send_all(void *data)
{
    struct sender *sender = data;
    for (unsigned i = 0; i < PARTS; i++) {
        unsigned number = (i * 5 + sender->seed * 7) % PARTS + 1;
        send_seeded(sender->lake, sender->upload, (int)number, number == PARTS ? 99 : PART, number);
    }
    return NULL;
}

static void many_senders_of_the_same_parts(void **state)
{
    struct fixture *fixture = *state;
    g_autoptr(GByteArray) whole = g_byte_array_new();
    for (unsigned i = 1; i <= PARTS; i++)
        append(whole, i == PARTS ? 99 : PART, i);
    for (unsigned round = 0; round < ROUNDS; round++) {
        struct lake_upload *upload = start(fixture->lake);
        pthread_t threads[SENDERS];
        struct sender senders[SENDERS];
        for (unsigned i = 0; i < SENDERS; i++) {
            senders[i] = (struct sender){fixture->lake, upload, i + round};
            pthread_create(&threads[i], NULL, send_all, &senders[i]);
        }
        for (unsigned i = 0; i < SENDERS; i++)
            pthread_join(threads[i], NULL);
        g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
        lake_upload_free(upload);
    }
    /* Where the short last part came first, and again later, its first file is left to the
     * collector. */
    fixture_close(fixture);
    fixture_open(fixture);
    assert_files(fixture, 1);
}

/* A part that is still being received when the upload is completed must not touch the object. */
static void completing_while_a_part_arrives(void **state)
{
    struct fixture *fixture = *state;
    struct lake_upload *upload = start(fixture->lake);
    send_seeded(fixture->lake, upload, 1, PART, 1);
    g_autoptr(GBytes) late = body_of(PART, 9);
    g_autoptr(stream_auto) body = stream_from_bytes(late);
    g_autoptr(lake_draft_auto) draft = lake_part_receive(fixture->lake, upload, 2, body, 0, NULL);
    send_seeded(fixture->lake, upload, 2, PART, 2);
    g_autoptr(GByteArray) whole = g_byte_array_new();
    append(whole, PART, 1);
    append(whole, PART, 2);
    g_autoptr(lake_object_auto) object = finish(fixture->lake, upload, whole);
    assert_string_not_equal(object->id, upload->file);
    assert_fails(lake_part_commit(fixture->lake, upload, 2, draft, NULL, error),
                 ERROR_NO_SUCH_UPLOAD);
    lake_upload_free(upload);
}

int main(void)
{
#define with_lake(test) cmocka_unit_test_setup_teardown(test, fixture_up, fixture_down)
    const struct CMUnitTest tests[] = {
        with_lake(any_order_stays_in_place),
        with_lake(sizes_that_differ),
        with_lake(parts_sent_again_replace),
        with_lake(a_cut_repeat_harms_nothing),
        with_lake(a_part_that_was_replaced_is_told),
        with_lake(left_out_parts),
        with_lake(survives_reopening),
        with_lake(abort_removes_everything),
        with_lake(a_part_under_way_leaves_nothing_of_an_ended_upload),
        with_lake(deleting_the_bucket_gives_uploads_up),
        with_lake(many_senders_of_the_same_parts),
        with_lake(completing_while_a_part_arrives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
