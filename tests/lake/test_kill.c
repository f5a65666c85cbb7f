/* kill -9 at any moment: a child puts, replaces and deletes objects, whole and in parts, on several
 * threads, and says on a pipe what it starts and what was acknowledged. It is killed again and
 * again; each time the lake must hold what was acknowledged, or whole what was under way. */
#include "lake_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORKERS = 4, KEYS = 3, KILLS = 200 };

/* What a key holds: bytes of body_of(size, seed); size -1: nothing. */
struct content {
    gint32 size;
    guint32 seed;
};

struct record {
    gint32 key; /* worker * KEYS + n */
    gint32 acknowledged;
    struct content content;
};

static char *name_of(int key)
{
    return g_strdup_printf("worker %d/key %d", key / KEYS, key % KEYS);
}

/* ---- the child ---- */

struct worker {
    struct fixture *fixture;
    int number, pipe;
};

static void say(const struct worker *worker, int key, bool acknowledged, struct content content)
{
    struct record record = {key, acknowledged, content};
    if (write(worker->pipe, &record, sizeof record) != (ssize_t)sizeof record)
        abort();
}

static void check(GError *error)
{
    if (error)
        g_error("the child: %s", error->message);
}

static void put_in_parts(struct lake *lake, const char *key, GBytes *bytes, GRand *random)
{
    GError *error = NULL;
    g_autoptr(lake_upload_auto) upload = g_new0(struct lake_upload, 1);
    upload->bucket = g_strdup("bucket");
    upload->key = g_strdup(key);
    lake_upload_create(lake, upload, &error);
    check(error);
    gsize size = g_bytes_get_size(bytes), part_size = MAX(size / 3, 1);
    int count = (int)((size + part_size - 1) / part_size), first = g_rand_int_range(random, 0, 9);
    for (int i = 0; i < count; i++) {
        int number = (i + first) % count + 1;
        gsize offset = (gsize)(number - 1) * part_size;
        g_autoptr(GBytes) part =
            g_bytes_new_from_bytes(bytes, offset, MIN(part_size, size - offset));
        g_autoptr(stream_auto) body = stream_from_bytes(part);
        g_autoptr(lake_draft_auto) draft = lake_part_receive(lake, upload, number, body, 0, &error);
        check(error);
        lake_part_free(lake_part_commit(lake, upload, number, draft, NULL, &error));
        check(error);
    }
    g_autoptr(GPtrArray) parts = lake_part_list(lake, upload, 0, 100, &error);
    struct lake_entry entry = {.bucket = "bucket", .key = key, .etag = "etag"};
    lake_object_free(lake_upload_complete(lake, upload, parts, &entry, &error));
    check(error);
}

static void *work(void *data)
{
    const struct worker *worker = data;
    struct lake *lake = worker->fixture->lake;
    g_autoptr(GRand) random = g_rand_new();
    for (;;) {
        int key = worker->number * KEYS + g_rand_int_range(random, 0, KEYS);
        g_autofree char *name = name_of(key);
        struct content content = {g_rand_int_range(random, 0, 200000), g_rand_int(random)};
        int kind = g_rand_int_range(random, 0, 4);
        if (kind == 0)
            content.size = -1;
        if (kind == 1)
            content.size %= 5000;
        say(worker, key, false, content);
        GError *error = NULL;
        if (content.size < 0) {
            lake_delete(lake, "bucket", name, &error);
            check(error);
        } else {
            g_autoptr(GBytes) bytes = body_of((size_t)content.size, content.seed);
            if (kind == 2 && content.size)
                put_in_parts(lake, name, bytes, random);
            else
                put_bytes(lake, name, bytes);
        }
        say(worker, key, true, content);
    }
    return NULL;
}

static void give_uploads_up(struct lake *lake)
{
    GError *error = NULL;
    g_autoptr(GPtrArray) uploads = lake_upload_list(lake, "bucket", NULL, NULL, NULL, 1000, &error);
    check(error);
    for (guint i = 0; i < uploads->len; i++)
        lake_upload_abort(lake, g_ptr_array_index(uploads, i), &error);
    check(error);
}

static int child(char *home, int pipe)
{
    struct fixture fixture = {.home = home};
    fixture_open(&fixture);
    give_uploads_up(fixture.lake);
    struct worker workers[WORKERS];
    pthread_t threads[WORKERS];
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){&fixture, i, pipe};
        pthread_create(&threads[i], NULL, work, &workers[i]);
    }
    pthread_join(threads[0], NULL);
    return 0;
}

/* ---- the parent ---- */

/* What each key may hold: what was acknowledged last, or what was started after that. */
struct expectation {
    struct content acknowledged, started;
    bool under_way;
};

static pid_t start_child(const char *home, int *pipe_end)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        g_autofree char *number = g_strdup_printf("%d", ends[1]);
        execl("/proc/self/exe", "test_kill", "child", home, number, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    *pipe_end = ends[0];
    return pid;
}

/* Reads what the child says until a moment has passed, kills it, and reads the rest. */
static int run_until_killed(const char *home, int microseconds, struct expectation *expected)
{
    int end, acknowledged = 0;
    pid_t pid = start_child(home, &end);
    struct record record;
    bool first = true;
    while (read(end, &record, sizeof record) == (ssize_t)sizeof record) {
        if (first) { /* it works by now; pipes hold what it says while we sleep */
            usleep((useconds_t)microseconds);
            kill(pid, SIGKILL);
            first = false;
        }
        struct expectation *key = &expected[record.key];
        key->under_way = !record.acknowledged;
        if (record.acknowledged) {
            key->acknowledged = record.content;
            acknowledged++;
        } else {
            key->started = record.content;
        }
    }
    close(end);
    int status;
    waitpid(pid, &status, 0);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    return acknowledged;
}

static bool holds(GBytes *bytes, struct content content)
{
    if (content.size < 0 || !bytes)
        return content.size < 0 && !bytes;
    g_autoptr(GBytes) expected = body_of((size_t)content.size, content.seed);
    return g_bytes_equal(bytes, expected);
}

static void check_key(struct lake *lake, int key, struct expectation *expected)
{
    g_autofree char *name = name_of(key);
    g_autoptr(GBytes) bytes = get_bytes(lake, name);
    if (expected->under_way && holds(bytes, expected->started))
        expected->acknowledged = expected->started;
    else if (!holds(bytes, expected->acknowledged))
        fail_msg("%s holds %zd bytes that were neither acknowledged nor under way", name,
                 bytes ? (gssize)g_bytes_get_size(bytes) : -1);
    expected->under_way = false;
}

static guint count_large(struct lake *lake)
{
    guint count = 0;
    g_autoptr(GPtrArray) all = lake_list(lake, "bucket", "", NULL);
    for (guint i = 0; i < all->len; i++)
        count += ((const struct lake_object *)g_ptr_array_index(all, i))->row == 0;
    return count;
}

static void nothing_acknowledged_is_lost(void **state)
{
    struct fixture *fixture = *state;
    struct expectation expected[WORKERS * KEYS];
    for (int key = 0; key < WORKERS * KEYS; key++)
        expected[key] = (struct expectation){.acknowledged = {-1, 0}};
    g_autoptr(GRand) random = g_rand_new();
    int acknowledged = 0;
    for (int i = 0; i < KILLS; i++) {
        fixture_close(fixture);
        acknowledged +=
            run_until_killed(fixture->home, g_rand_int_range(random, 0, 30000), expected);
        fixture_open(fixture);
        for (int key = 0; key < WORKERS * KEYS; key++)
            check_key(fixture->lake, key, &expected[key]);
    }
    assert_true(acknowledged > KILLS); /* else it was killed before it did anything */
    give_uploads_up(fixture->lake);
    fixture_close(fixture);
    fixture_open(fixture);
    guint large = count_large(fixture->lake);
    assert_files(fixture, large); /* no garbage stays either */
}

int main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "child") == 0)
        return child(argv[2], atoi(argv[3]));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_acknowledged_is_lost, fixture_up, fixture_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
