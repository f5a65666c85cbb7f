/* Data streams at the seams: shards through splits and merges, the log from any number on, what a
 * crash cut off, and a stream that keeps all that it may. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "stream/data_stream.h"

#define NAME "readings"
#define FILE_SIZE 200000
#define MOST 1000000

static void no_error(GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

/* ---- shards ---- */

static gint by_start(gconstpointer a, gconstpointer b)
{
    const struct shard *one = a, *other = b;
    return one->start < other->start ? -1 : one->start > other->start;
}

/* The open ones are all keys, each once; of `count` equal widths, unless that is 0. */
static void assert_cover(const struct shards *shards, guint count)
{
    g_autoptr(GArray) open = g_array_new(FALSE, FALSE, sizeof(struct shard));
    hash_key next = 0;
    for (guint i = 0; i < shards->all->len; i++) {
        struct shard shard = g_array_index(shards->all, struct shard, i);
        if (!shard.last)
            g_array_append_val(open, shard);
    }
    g_array_sort(open, by_start);
    for (guint i = 0; i < open->len; i++) {
        const struct shard *shard = &g_array_index(open, struct shard, i);
        assert_true(shard->start == next && shard->end >= shard->start);
        next = shard->end + 1;
        if (count)
            assert_true(shard->end - shard->start - (HASH_KEY_LAST / count - count) <= 2 * count);
    }
    assert_true(next == 0);
    assert_int_equal(open->len, count ? count : open->len);
}

static void shards_cover_all_keys_whatever_is_done(void **state)
{
    (void)state;
    g_autoptr(GRand) choose = g_rand_new_with_seed(7);
    g_autoptr(shards_auto) shards = shards_new(3, 1);
    for (int i = 0; i < 300; i++) {
        guint open = shards_open(shards);
        guint target = (guint)g_rand_int_range(choose, MAX(1, (gint)open / 2), (gint)open * 2 + 1);
        target = MIN(target, 20);
        shards_resize(shards, target, i);
        assert_cover(shards, target);
        const struct shard *shard = shards_of_key(shards, hash_key_of("a key"));
        shards_split(shards, shard->id, shard->start + (shard->end - shard->start) / 3, i);
        assert_cover(shards, 0);
        g_autoptr(json_auto) json = shards_to_json(shards);
        shards_free(shards);
        shards = shards_from_json(json);
        shards_expire(shards, i - 10);
        assert_cover(shards, 0);
    }
}

static void hash_keys_are_numbers(void **state)
{
    (void)state;
    static const char *const good[] = {"0", "7", "340282366920938463463374607431768211455",
                                       "170141183460469231731687303715884105728"};
    static const char *const bad[] = {"", "x", "-1", "340282366920938463463374607431768211456",
                                      "9999999999999999999999999999999999999999"};
    hash_key key;
    for (size_t i = 0; i < G_N_ELEMENTS(good); i++) {
        assert_true(hash_key_parse(good[i], &key));
        g_autofree char *text = hash_key_text(key);
        assert_string_equal(text, good[i]);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        assert_false(hash_key_parse(bad[i], &key));
    g_autofree char *md5 = hash_key_text(hash_key_of("a")); /* 0cc175b9c0f1b6a831c399e269772661 */
    assert_string_equal(md5, "16955237001963240173058271559858726497");
}

/* ---- the log ---- */

struct fixture {
    char *home;
    struct clock *clock;
    struct data_streams *streams;
    struct data_stream *stream;
};

static void open_home(struct fixture *fixture)
{
    GError *error = NULL;
    g_autofree char *folder = g_build_filename(fixture->home, "data", NULL);
    struct data_streams_settings settings = {
        .folder = folder, .clock = fixture->clock, .most = MOST, .file = FILE_SIZE};
    fixture->streams = data_streams_open(&settings, &error);
    no_error(error);
    struct data_stream_plan plan = {
        .name = NAME, .id = "id", .shards = shards_new(2, 0), .hours = 24, .longest = 1 << 20};
    data_streams_add(fixture->streams, &plan, &error);
    no_error(error);
    fixture->stream = data_streams_find(fixture->streams, NAME);
}

static void close_home(struct fixture *fixture)
{
    data_stream_unref(fixture->stream);
    data_streams_close(fixture->streams);
}

static int up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    GError *error = NULL;
    fixture->home = g_dir_make_tmp("lathe-data-XXXXXX", NULL);
    fixture->clock = clock_open(&error);
    no_error(error);
    open_home(fixture);
    *state = fixture;
    return 0;
}

static int down(void **state)
{
    struct fixture *fixture = *state;
    close_home(fixture);
    clock_close(fixture->clock);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

/* So many records, whose texts are numbers from `first` on. */
static bool put(struct fixture *fixture, guint first, guint count, size_t size, size_t *taken,
                GError **error)
{
    g_autofree struct data_record *records = g_new(struct data_record, count);
    g_autofree struct data_place *places = g_new(struct data_place, count);
    g_autofree char *bytes = g_malloc0(size * count);
    for (guint i = 0; i < count; i++) {
        snprintf(bytes + i * size, size, "%u", first + i);
        records[i] =
            (struct data_record){hash_key_of(bytes + i * size), "key", bytes + i * size, size};
    }
    bool done = data_stream_put(fixture->stream, records, count, places, taken, error);
    for (size_t i = 1; done && i < *taken; i++)
        assert_int_equal(places[i].number, places[i - 1].number + 1);
    return done;
}

static void put_all(struct fixture *fixture, guint first, guint count, size_t size)
{
    GError *error = NULL;
    size_t taken;
    put(fixture, first, count, size, &taken, &error);
    no_error(error);
    assert_int_equal(taken, count);
}

struct reading {
    guint count, last, most;
    guint64 number;
};

/* Texts and numbers go up by one from record to record. */
static bool look(const struct data_seen *record, void *data)
{
    struct reading *reading = data;
    guint text = (guint)atoi(record->bytes);
    if (reading->count == reading->most)
        return false;
    assert_true(!reading->count || text == reading->last + 1);
    assert_true(!reading->count || record->number > reading->number);
    assert_int_equal(record->key_size, 3);
    reading->last = text;
    reading->number = record->number;
    reading->count++;
    return true;
}

static struct reading read_from(struct fixture *fixture, guint64 from, guint most, guint64 *next)
{
    GError *error = NULL;
    struct reading reading = {.most = most};
    data_stream_read(fixture->stream, from, look, &reading, next, &error);
    no_error(error);
    return reading;
}

static void any_number_is_read_on_from(void **state)
{
    struct fixture *fixture = *state;
    for (guint i = 0; i < 40; i++)
        put_all(fixture, i * 50, 50, 300);
    for (int round = 0; round < 2; round++) {
        guint64 next, end = data_stream_next(fixture->stream);
        guint64 first = end - 2000;
        for (guint64 from = first; from < end; from += 7) {
            struct reading reading = read_from(fixture, from, 100, &next);
            assert_int_equal(reading.count, MIN(100, end - from));
            assert_int_equal(next, from + reading.count);
            assert_int_equal(reading.last, from - first + reading.count - 1);
        }
        struct reading all = read_from(fixture, 0, G_MAXUINT, &next);
        assert_int_equal(all.count, 2000);
        assert_int_equal(next, end);
        close_home(fixture);
        open_home(fixture);
    }
}

static void a_stream_that_keeps_all_that_it_may_refuses(void **state)
{
    struct fixture *fixture = *state;
    GError *error = NULL;
    size_t taken;
    guint first = 0;
    do {
        put(fixture, first, 7, 10000, &taken, &error);
        no_error(error);
        first += (guint)taken;
    } while (taken == 7);
    assert_in_range(first, MOST / 10100, MOST / 10000);
    assert_false(put(fixture, first, 1, 10000, &taken, &error));
    assert_int_equal(error->code, ERROR_THROUGHPUT);
    g_clear_error(&error);
    clock_move(fixture->clock, 25 * 3600);
    put_all(fixture, first, 1, 10);
    data_streams_trim(fixture->streams);
    put_all(fixture, first + 1, 30, 10000);
}

struct publisher {
    struct fixture *fixture;
    pthread_t thread;
};

static void *publish(void *data)
{
    const struct publisher *publisher = data;
    size_t taken;
    for (guint i = 0; i < 100; i++)
        if (!put(publisher->fixture, 0, 1, 100, &taken, NULL))
            g_error("a put failed");
    return NULL;
}

static bool split_first(struct shards *shards, void *data, GError **error)
{
    (void)data;
    (void)error;
    const struct shard *shard = shards_of_key(shards, 0);
    shards_split(shards, shard->id, shard->start + (shard->end - shard->start) / 2, 1);
    return true;
}

static bool count_well_placed(const struct data_seen *record, void *data)
{
    void **both = data;
    const struct shard *shard = shards_find(both[0], record->shard);
    assert_true(shard->first < record->number);
    assert_true(!shard->last || record->number < shard->last);
    ++*(guint *)both[1];
    return true;
}

static void no_record_goes_to_a_closed_shard(void **state)
{
    struct fixture *fixture = *state;
    struct publisher publishers[4];
    GError *error = NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(publishers); i++) {
        publishers[i].fixture = fixture;
        pthread_create(&publishers[i].thread, NULL, publish, &publishers[i]);
    }
    for (int i = 0; i < 20; i++) {
        data_stream_reshard(fixture->stream, split_first, NULL, &error);
        no_error(error);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(publishers); i++)
        pthread_join(publishers[i].thread, NULL);
    g_autoptr(shards_auto) shards = data_stream_shards(fixture->stream);
    guint count = 0;
    guint64 next;
    void *both[] = {shards, &count};
    data_stream_read(fixture->stream, 0, count_well_placed, both, &next, &error);
    no_error(error);
    assert_int_equal(count, 400);
}

static char *newest_file(const struct fixture *fixture)
{
    g_autofree char *folder = g_build_filename(fixture->home, "data", NAME, "id", NULL);
    g_autoptr(GDir) files = g_dir_open(folder, 0, NULL);
    g_autofree char *newest = g_strdup("");
    const char *name;
    while ((name = g_dir_read_name(files)))
        if (strcmp(name, newest) > 0) {
            g_free(newest);
            newest = g_strdup(name);
        }
    return g_build_filename(folder, newest, NULL);
}

/* Wherever a crash cut the newest file off, the log goes on behind the last whole record. */
static void a_log_goes_on_behind_what_was_cut_off(void **state)
{
    struct fixture *fixture = *state;
    put_all(fixture, 0, 3, 100);
    close_home(fixture);
    open_home(fixture);
    put_all(fixture, 3, 4, 50);
    g_autofree char *path = newest_file(fixture);
    g_autofree char *bytes = NULL;
    gsize size;
    assert_true(g_file_get_contents(path, &bytes, &size, NULL));
    for (gsize cut = 0; cut <= size; cut += 5) {
        close_home(fixture);
        g_autofree char *later = newest_file(fixture);
        if (strcmp(later, path) != 0)
            remove(later);
        assert_true(g_file_set_contents(path, bytes, (gssize)cut, NULL));
        open_home(fixture);
        guint64 next;
        struct reading left = read_from(fixture, 0, G_MAXUINT, &next);
        assert_in_range(left.count, 3, 7);
        put_all(fixture, left.last + 1, 2, 60);
        assert_int_equal(read_from(fixture, 0, G_MAXUINT, &next).count, left.count + 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_cover_all_keys_whatever_is_done),
        cmocka_unit_test(hash_keys_are_numbers),
        cmocka_unit_test_setup_teardown(any_number_is_read_on_from, up, down),
        cmocka_unit_test_setup_teardown(a_stream_that_keeps_all_that_it_may_refuses, up, down),
        cmocka_unit_test_setup_teardown(no_record_goes_to_a_closed_shard, up, down),
        cmocka_unit_test_setup_teardown(a_log_goes_on_behind_what_was_cut_off, up, down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
