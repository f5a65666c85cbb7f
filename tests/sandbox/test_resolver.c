/* What the sandbox's resolver answers, byte for byte as RFC 1035 has messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib.h>
#include <string.h>

#include "sandbox/resolver.h"

static char amazon[] = "amazonaws.com", api[] = "api.aws";
static char *domains[] = {amazon, api, NULL};

enum { A = 1, AAAA = 28 };

/* A query as the C library sends one: recursion wanted, one question. */
static GByteArray *query_of(const char *name, guint8 type)
{
    GByteArray *query = g_byte_array_new();
    const guint8 head[12] = {0xab, 0xcd, 0x01, 0, 0, 1};
    g_byte_array_append(query, head, sizeof head);
    g_auto(GStrv) labels = g_strsplit(name, ".", -1);
    for (char **label = labels; *label; label++) {
        guint8 length = (guint8)strlen(*label);
        g_byte_array_append(query, &length, 1);
        g_byte_array_append(query, (const guint8 *)*label, length);
    }
    const guint8 tail[5] = {0, 0, type, 0, 1};
    g_byte_array_append(query, tail, sizeof tail);
    return query;
}

/* The answer to a name: its flags' last byte (the code) and how many records there are. */
static guint8 *ask(const char *name, guint8 type, size_t *size)
{
    static guint8 answer[RESOLVER_LONGEST];
    g_autoptr(GByteArray) query = query_of(name, type);
    memset(answer, 0xee, sizeof answer);
    *size = resolver_answer(query->data, query->len, domains, answer);
    assert_true(*size >= query->len);
    assert_memory_equal(answer, "\xab\xcd", 2);
    assert_int_equal(answer[2], 0x85); /* an answer, of who knows, to who wanted recursion */
    assert_memory_equal(answer + 12, query->data + 12, query->len - 12);
    return answer;
}

static void names_below_the_domains_are_the_sandbox_itself(void **state)
{
    (void)state;
    static const char *const names[] = {"s3.amazonaws.com", "b.S3.us-east-1.AmazonAWS.com",
                                        "sagemaker.eu-west-1.api.aws", "localhost"};
    static const guint8 record[] = {0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 1};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t size;
        const guint8 *answer = ask(names[i], A, &size);
        assert_int_equal(answer[3], 0x80);
        assert_memory_equal(answer + 4, "\0\1\0\1\0\0\0\0", 8);
        assert_memory_equal(answer + size - sizeof record, record, sizeof record);
    }
}

/* "No such name" to a question of version 6 would end the search for one of version 4. */
static void they_have_no_address_of_version_6(void **state)
{
    (void)state;
    size_t size;
    const guint8 *answer = ask("s3.amazonaws.com", AAAA, &size);
    assert_int_equal(answer[3], 0x80);
    assert_memory_equal(answer + 4, "\0\1\0\0\0\0\0\0", 8);
}

static void nobody_else_has_a_name(void **state)
{
    (void)state;
    static const char *const names[] = {"www.example.com", "amazonaws.com", "xamazonaws.com",
                                        "amazonaws.com.evil.org", "a"};
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        size_t size;
        const guint8 *answer = ask(names[i], A, &size);
        assert_int_equal(answer[3], 0x83);
        assert_int_equal(answer[7], 0);
    }
}

static void what_is_no_query_has_no_answer(void **state)
{
    (void)state;
    guint8 answer[RESOLVER_LONGEST];
    g_autoptr(GByteArray) whole = query_of("s3.amazonaws.com", A);
    for (guint size = 0; size < whole->len; size++)
        assert_int_equal(resolver_answer(whole->data, size, domains, answer), 0);
    whole->data[2] |= 0x80; /* an answer */
    assert_int_equal(resolver_answer(whole->data, whole->len, domains, answer), 0);
    whole->data[2] = 0x10; /* the state of a server */
    assert_true(resolver_answer(whole->data, whole->len, domains, answer) > 0);
    assert_int_equal(answer[3], 0x84);
    whole->data[2] = 1;
    whole->data[5] = 2; /* two questions */
    assert_int_equal(resolver_answer(whole->data, whole->len, domains, answer), 0);
    whole->data[5] = 1;
    whole->data[12] = 0xc0; /* a name that points elsewhere */
    assert_int_equal(resolver_answer(whole->data, whole->len, domains, answer), 0);

    /* A name that is longer than names are. */
    g_autoptr(GString) name = g_string_new("x");
    while (name->len < 400)
        g_string_append(name, ".xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
    g_autoptr(GByteArray) longest = query_of(name->str, A);
    assert_int_equal(resolver_answer(longest->data, longest->len, domains, answer), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_below_the_domains_are_the_sandbox_itself),
        cmocka_unit_test(they_have_no_address_of_version_6),
        cmocka_unit_test(nobody_else_has_a_name),
        cmocka_unit_test(what_is_no_query_has_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
