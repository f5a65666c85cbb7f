/* Regular expressions. A pattern is compiled once a chunk, as long as it stays the same. */
#include <string.h>

#include "table/functions.h"
#include "table/regex.h"

struct compiled {
    char *pattern;
    size_t size;
    struct regex *regex;
    struct regex_match *match;
};

static void drop(struct compiled *compiled)
{
    g_clear_pointer(&compiled->match, regex_match_free);
    g_clear_pointer(&compiled->regex, regex_free);
    g_clear_pointer(&compiled->pattern, g_free);
}

static void forget(void *kept)
{
    drop(kept);
    g_free(kept);
}

/* The regular expression that argument 1 says, or NULL. */
static struct compiled *compiled_of(struct function_call *call)
{
    size_t size;
    const char *pattern = call_text(call, 1, &size);
    if (!call->kept)
        call->kept = g_new0(struct compiled, 1);
    struct compiled *compiled = call->kept;
    if (compiled->regex && compiled->size == size && memcmp(compiled->pattern, pattern, size) == 0)
        return compiled;
    g_autoptr(GError) error = NULL;
    drop(compiled);
    compiled->regex = regex_new(pattern, size, &error);
    if (!compiled->regex) {
        call_fail(call, INVALID_ARGUMENT, "%s", error->message);
        return NULL;
    }
    compiled->pattern = g_memdup2(pattern, size + 1);
    compiled->size = size;
    compiled->match = regex_match_new(compiled->regex);
    return compiled;
}

/* A text and where its matches are, one after another. */
struct search {
    struct function_call *call;
    const struct compiled *compiled;
    const char *text;
    size_t size, from; /* from: where the next may begin; beyond size: nowhere */
    size_t start, end; /* of the match */
};

static bool begin_search(struct search *search, struct function_call *call)
{
    *search = (struct search){.call = call, .compiled = compiled_of(call)};
    search->text = call_text(call, 0, &search->size);
    return search->compiled != NULL;
}

/* Finds the next match. False where there is none, or where call->error says why. */
static bool next_match(struct search *search)
{
    g_autoptr(GError) error = NULL;
    bool found;
    if (search->from > search->size)
        return false;
    if (!regex_find(search->compiled->regex, search->compiled->match, search->text, search->size,
                    search->from, false, &found, &error))
        return call_fail(search->call, INVALID_ARGUMENT, "%s", error->message);
    if (!found)
        return false;
    regex_group(search->compiled->match, 0, &search->start, &search->end);
    search->from = search->end;
    if (search->start == search->end) { /* behind the next letter */
        search->from++;
        while (search->from < search->size &&
               ((unsigned char)search->text[search->from] & 0xc0) == 0x80)
            search->from++;
    }
    return true;
}

static bool ended(const struct search *search)
{
    return !search->call->error;
}

static bool regexp_like(struct function_call *call)
{
    struct search search;
    if (!begin_search(&search, call))
        return false;
    bool found = next_match(&search);
    return ended(&search) && give_truth(call, found);
}

static bool check_group(struct search *search, int64_t group)
{
    unsigned groups = regex_groups(search->compiled->regex);
    if (group < 0)
        return call_fail(search->call, INVALID_ARGUMENT, "Group cannot be negative");
    return group <= (int64_t)groups ||
           call_fail(search->call, INVALID_ARGUMENT,
                     "Pattern has %u groups. Cannot access group %d", groups, (int)group);
}

static bool regexp_extract(struct function_call *call)
{
    struct search search;
    size_t start, end;
    int64_t group = call->count > 2 ? call_integer(call, 2) : 0;
    if (!begin_search(&search, call) || !check_group(&search, group))
        return false;
    bool found =
        next_match(&search) && regex_group(search.compiled->match, (unsigned)group, &start, &end);
    if (!ended(&search))
        return false;
    return found ? give_text(call, search.text + start, end - start) : give_null(call);
}

static bool regexp_extract_all(struct function_call *call)
{
    struct search search;
    size_t start, end;
    int64_t group = call->count > 2 ? call_integer(call, 2) : 0;
    if (!begin_search(&search, call) || !check_group(&search, group))
        return false;
    give_list(call);
    while (next_match(&search))
        if (regex_group(search.compiled->match, (unsigned)group, &start, &end))
            give_element(call, search.text + start, end - start);
        else
            give_null_element(call);
    return ended(&search);
}

static bool regexp_split(struct function_call *call)
{
    struct search search;
    size_t last = 0;
    if (!begin_search(&search, call))
        return false;
    give_list(call);
    for (; next_match(&search); last = search.end)
        give_element(call, search.text + last, search.start - last);
    give_element(call, search.text + last, search.size - last);
    return ended(&search);
}

static bool regexp_count(struct function_call *call)
{
    struct search search;
    int64_t count = 0;
    if (!begin_search(&search, call))
        return false;
    while (next_match(&search))
        count++;
    return ended(&search) && give_integer(call, count);
}

static int64_t letters(const char *text, size_t size)
{
    int64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

static bool regexp_position(struct function_call *call)
{
    struct search search;
    int64_t start = call->count > 2 ? call_integer(call, 2) : 1;
    int64_t occurrence = call->count > 3 ? call_integer(call, 3) : 1;
    if (start < 1)
        return call_fail(call, INVALID_ARGUMENT, "start position cannot be smaller than 1");
    if (occurrence < 1)
        return call_fail(call, INVALID_ARGUMENT, "occurrence cannot be smaller than 1");
    if (!begin_search(&search, call))
        return false;
    if (start > letters(search.text, search.size))
        return give_integer(call, -1);
    search.from = (size_t)(g_utf8_offset_to_pointer(search.text, start - 1) - search.text);
    while (next_match(&search))
        if (--occurrence == 0)
            return give_integer(call, letters(search.text, search.start) + 1);
    return ended(&search) && give_integer(call, -1);
}

/* ---- replacing ---- */

static void put_group(struct search *search, unsigned group)
{
    size_t start, end;
    if (regex_group(search->compiled->match, group, &start, &end))
        g_string_append_len(search->call->text, search->text + start, (gssize)(end - start));
}

static bool fail_replacement(struct search *search, const char *with, size_t size)
{
    return call_fail(search->call, INVALID_ARGUMENT, "Illegal replacement sequence: %.*s",
                     (int)size, with);
}

/* ${name} */
static bool put_named(struct search *search, const char *with, size_t size, size_t *at)
{
    const char *name = with + *at + 2, *close = memchr(name, '}', size - *at - 2);
    if (!close)
        return fail_replacement(search, with, size);
    size_t length = (size_t)(close - name);
    unsigned group = regex_group_named(search->compiled->regex, name, length);
    if (!group)
        return call_fail(search->call, INVALID_ARGUMENT,
                         "Illegal replacement sequence: unknown group { %.*s }", (int)length, name);
    put_group(search, group);
    *at += length + 3;
    return true;
}

/* $1, of as many digits as make a group that there is. */
static bool put_numbered(struct search *search, const char *with, size_t size, size_t *at)
{
    unsigned groups = regex_groups(search->compiled->regex);
    size_t digit = *at + 1;
    if (!g_ascii_isdigit(with[digit]))
        return fail_replacement(search, with, size);
    unsigned group = (unsigned)(with[digit++] - '0');
    if (group > groups)
        return call_fail(search->call, INVALID_ARGUMENT,
                         "Illegal replacement sequence: unknown group %u", group);
    for (; digit < size && g_ascii_isdigit(with[digit]); digit++) {
        unsigned longer = group * 10 + (unsigned)(with[digit] - '0');
        if (longer > groups)
            break;
        group = longer;
    }
    put_group(search, group);
    *at = digit;
    return true;
}

static bool put_replacement(struct search *search, const char *with, size_t size)
{
    for (size_t at = 0; at < size;) {
        bool special = with[at] == '$' || with[at] == '\\';
        if (special && at + 1 == size)
            return fail_replacement(search, with, size);
        if (with[at] == '$') {
            bool good = with[at + 1] == '{' ? put_named(search, with, size, &at)
                                            : put_numbered(search, with, size, &at);
            if (!good)
                return false;
            continue;
        }
        at += special;
        g_string_append_c(search->call->text, with[at++]);
    }
    return true;
}

static bool regexp_replace(struct function_call *call)
{
    struct search search;
    size_t size = 0, last = 0;
    const char *with = call->count > 2 ? call_text(call, 2, &size) : "";
    if (!begin_search(&search, call))
        return false;
    for (; next_match(&search); last = search.end) {
        g_string_append_len(call->text, search.text + last, (gssize)(search.start - last));
        if (!put_replacement(&search, with, size))
            return false;
    }
    g_string_append_len(call->text, search.text + last, (gssize)(search.size - last));
    return ended(&search) && give_made(call);
}

/* For replacing by a lambda: the groups of each match, ... */
static bool regexp_groups(struct function_call *call)
{
    struct search search;
    size_t start, end;
    if (!begin_search(&search, call))
        return false;
    give_list(call);
    while (next_match(&search)) {
        uint64_t element = sink_next_element(call->result, call->row);
        sink_begin_list(&call->result->children[0], element);
        for (unsigned i = 1; i <= regex_groups(search.compiled->regex); i++) {
            uint64_t group = sink_next_element(&call->result->children[0], element);
            struct sink *sink = &call->result->children[0].children[0];
            if (regex_group(search.compiled->match, i, &start, &end))
                sink_text(sink, group, search.text + start, end - start);
            else
                sink_null(sink, group);
        }
    }
    return ended(&search);
}

/* ... and the text with each match replaced by what the lambda made of them. */
static bool regexp_join(struct function_call *call)
{
    struct search search;
    uint64_t first, count, i = 0;
    size_t last = 0, size;
    const struct value_view *list = call_list(call, 2, &first, &count);
    if (!begin_search(&search, call))
        return false;
    for (; i < count && next_match(&search); i++, last = search.end) {
        if (value_is_null(list, first + i))
            return give_null(call);
        const char *with = value_bytes(list, first + i, &size);
        g_string_append_len(call->text, search.text + last, (gssize)(search.start - last));
        g_string_append_len(call->text, with, (gssize)size);
    }
    g_string_append_len(call->text, search.text + last, (gssize)(search.size - last));
    return ended(&search) && give_made(call);
}

const struct function functions_regexp[] = {
    {"regexp_like", "varchar, varchar -> boolean", regexp_like, 0, forget},
    {"regexp_extract", "varchar, varchar -> varchar", regexp_extract, 0, forget},
    {"regexp_extract", "varchar, varchar, bigint -> varchar", regexp_extract, 0, forget},
    {"regexp_extract_all", "varchar, varchar -> array(varchar)", regexp_extract_all, 0, forget},
    {"regexp_extract_all", "varchar, varchar, bigint -> array(varchar)", regexp_extract_all, 0,
     forget},
    {"regexp_split", "varchar, varchar -> array(varchar)", regexp_split, 0, forget},
    {"regexp_count", "varchar, varchar -> bigint", regexp_count, 0, forget},
    {"regexp_position", "varchar, varchar -> integer", regexp_position, 0, forget},
    {"regexp_position", "varchar, varchar, bigint -> integer", regexp_position, 0, forget},
    {"regexp_position", "varchar, varchar, bigint, bigint -> integer", regexp_position, 0, forget},
    {"regexp_replace", "varchar, varchar -> varchar", regexp_replace, 0, forget},
    {"regexp_replace", "varchar, varchar, varchar -> varchar", regexp_replace, 0, forget},
    {"regexp_groups", "varchar, varchar -> array(array(varchar))", regexp_groups, 0, forget},
    {"regexp_join", "varchar, varchar, array(varchar) -> varchar", regexp_join, 0, forget},
    {0},
};
