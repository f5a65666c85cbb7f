/* lake_fixture.h: a lake in a folder of its own, for tests. */
#ifndef TESTS_LAKE_FIXTURE_H
#define TESTS_LAKE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "lake/lake_s3.h"

struct fixture {
    char *home;
    struct store *store;
    struct lake *lake;
};

static inline void no_error(GError *error)
{
    if (error)
        fail_msg("%s", error->message);
}

static inline void fixture_open(struct fixture *fixture)
{
    GError *error = NULL;
    g_autofree char *database = g_build_filename(fixture->home, "meta.db", NULL);
    g_autofree char *folder = g_build_filename(fixture->home, "lake", NULL);
    fixture->store = store_open(database, &error);
    no_error(error);
    fixture->lake = lake_open(fixture->store, folder, &error);
    no_error(error);
}

static inline void fixture_close(struct fixture *fixture)
{
    lake_close(fixture->lake);
    store_close(fixture->store);
}

static inline int fixture_up(void **state)
{
    struct fixture *fixture = g_new0(struct fixture, 1);
    fixture->home = g_dir_make_tmp("lathe-lake-XXXXXX", NULL);
    fixture_open(fixture);
    GError *error = NULL;
    lake_bucket_create(fixture->lake, "bucket", "us-east-1", &error);
    no_error(error);
    *state = fixture;
    return 0;
}

static inline int fixture_down(void **state)
{
    struct fixture *fixture = *state;
    fixture_close(fixture);
    file_remove_tree(fixture->home, NULL);
    g_free(fixture->home);
    g_free(fixture);
    return 0;
}

/* A body of `size` bytes that depend on the seed. */
static inline GBytes *body_of(size_t size, unsigned seed)
{
    unsigned char *bytes = g_malloc(size + 1);
    uint32_t number = seed * 2654435761u + 1;
    for (size_t i = 0; i < size; i++) {
        number = number * 1664525 + 1013904223;
        bytes[i] = (unsigned char)(number >> 24);
    }
    return g_bytes_new_take(bytes, size);
}

static inline void put_bytes(struct lake *lake, const char *key, GBytes *bytes)
{
    GError *error = NULL;
    struct stream *body = stream_from_bytes(bytes);
    lake_put(lake, "bucket", key, body, NULL, &error);
    no_error(error);
    stream_free(body);
}

static inline void put_text(struct lake *lake, const char *key, const char *text)
{
    g_autoptr(GBytes) bytes = g_bytes_new(text, strlen(text));
    put_bytes(lake, key, bytes);
}

/* The object's bytes, NULL where there is no such key. */
static inline GBytes *get_bytes(struct lake *lake, const char *key)
{
    GError *error = NULL;
    struct stream *body = NULL;
    struct lake_object *object = lake_find(lake, "bucket", key, &body, &error);
    if (!object) {
        if (error->code != ERROR_NO_SUCH_KEY)
            fail_msg("%s", error->message);
        g_error_free(error);
        return NULL;
    }
    GBytes *bytes = stream_read_all(body, SIZE_MAX, &error);
    no_error(error);
    assert_int_equal(g_bytes_get_size(bytes), object->size);
    stream_free(body);
    lake_object_free(object);
    return bytes;
}

static inline void assert_object(struct lake *lake, const char *key, GBytes *expected)
{
    g_autoptr(GBytes) bytes = get_bytes(lake, key);
    assert_non_null(bytes);
    assert_true(g_bytes_equal(bytes, expected));
}

#define assert_fails(call, wanted)                     \
    do {                                               \
        GError *error_ = NULL;                         \
        GError **error = &error_;                      \
        assert_false(call);                            \
        assert_non_null(error_);                       \
        assert_int_equal(error_->code, (int)(wanted)); \
        g_error_free(error_);                          \
    } while (0)

/* The files of objects and parts. */
static inline guint count_files(const struct fixture *fixture)
{
    guint count = 0;
    g_autofree char *path = g_build_filename(fixture->home, "lake", NULL);
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    const char *name;
    while ((name = g_dir_read_name(folder)))
        count += strlen(name) == 32; /* an id */
    return count;
}

/* Files go soon after what named them, not at once. */
static inline void assert_files(const struct fixture *fixture, guint expected)
{
    for (int wait = 0; wait < 500 && count_files(fixture) != expected; wait++)
        g_usleep(10000);
    assert_int_equal(count_files(fixture), expected);
}

#endif
