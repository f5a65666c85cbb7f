/* Texts, by code points. */
#include <stdlib.h>
#include <string.h>

#include "table/functions.h"

/* ---- letters ---- */

static bool is_lead(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static int64_t letters_of(const char *bytes, size_t size)
{
    int64_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += is_lead(bytes[i]);
    return count;
}

/* Where letter number `letter`, from 0, begins; the end where there are fewer. */
static size_t place_of(const char *bytes, size_t size, int64_t letter)
{
    size_t at = 0;
    for (; at < size; at++)
        if (is_lead(bytes[at]) && letter-- == 0)
            break;
    return at;
}

static size_t letter_size(const char *bytes, size_t left)
{
    size_t size = 1;
    while (size < left && !is_lead(bytes[size]))
        size++;
    return size;
}

static bool same(const char *a, size_t a_size, const char *b, size_t b_size)
{
    return a_size == b_size && memcmp(a, b, a_size) == 0;
}

/* Where the piece is in the text, from byte `from`; SIZE_MAX: nowhere. */
static size_t find(const char *text, size_t size, const char *piece, size_t length, size_t from)
{
    if (length == 0)
        return from <= size ? from : SIZE_MAX;
    for (size_t at = from; at + length <= size; at++) {
        const char *first = memchr(text + at, piece[0], size - at - length + 1);
        if (!first)
            return SIZE_MAX;
        at = (size_t)(first - text);
        if (memcmp(first, piece, length) == 0)
            return at;
    }
    return SIZE_MAX;
}

/* ---- cases ---- */

static bool change_case(struct function_call *call, gunichar (*change)(gunichar c))
{
    size_t size;
    const char *text = call_text(call, 0, &size), *end = text + size;
    for (; text < end; text = g_utf8_next_char(text))
        g_string_append_unichar(call->text, change(g_utf8_get_char(text)));
    return give_made(call);
}

static bool lower(struct function_call *call)
{
    return change_case(call, g_unichar_tolower);
}

static bool upper(struct function_call *call)
{
    return change_case(call, g_unichar_toupper);
}

static bool reverse(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    for (size_t end = size; end > 0;) {
        size_t start = end - 1;
        while (start > 0 && !is_lead(text[start]))
            start--;
        g_string_append_len(call->text, text + start, (gssize)(end - start));
        end = start;
    }
    return give_made(call);
}

/* ---- trimming ---- */

/* Java's Character.isWhitespace. */
static bool is_blank(const char *letter)
{
    gunichar c = g_utf8_get_char(letter);
    return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a && c != 0x2007) || c == 0x2028 || c == 0x2029 ||
           c == 0x205f || c == 0x3000;
}

static bool is_of(const char *letter, size_t length, const char *set, size_t size)
{
    for (size_t at = 0; at < size; at += letter_size(set + at, size - at))
        if (same(letter, length, set + at, letter_size(set + at, size - at)))
            return true;
    return false;
}

static bool goes(const struct function_call *call, const char *letter, size_t length)
{
    size_t size;
    if (call->count == 1)
        return is_blank(letter);
    const char *set = call_text(call, 1, &size);
    return is_of(letter, length, set, size);
}

static bool trim_sides(struct function_call *call, bool left, bool right)
{
    size_t size, start = 0;
    const char *text = call_text(call, 0, &size);
    while (left && start < size &&
           goes(call, text + start, letter_size(text + start, size - start)))
        start += letter_size(text + start, size - start);
    while (right && size > start) {
        size_t last = size - 1;
        while (last > start && !is_lead(text[last]))
            last--;
        if (!goes(call, text + last, size - last))
            break;
        size = last;
    }
    return give_text(call, text + start, size - start);
}

static bool trim(struct function_call *call)
{
    return trim_sides(call, true, true);
}

static bool ltrim(struct function_call *call)
{
    return trim_sides(call, true, false);
}

static bool rtrim(struct function_call *call)
{
    return trim_sides(call, false, true);
}

/* ---- parts ---- */

/* From letter `start` of `whole` (from 1; from the end where negative): false where there is none.
 */
static bool begin_of(int64_t start, int64_t whole, int64_t *first)
{
    *first = start > 0 ? start - 1 : start + whole;
    return start != 0 && *first >= 0 && *first < whole;
}

static bool substr(struct function_call *call)
{
    size_t size;
    int64_t first, wanted = call->count > 2 ? call_integer(call, 2) : INT64_MAX;
    const char *text = call_text(call, 0, &size);
    if (wanted <= 0 || !begin_of(call_integer(call, 1), letters_of(text, size), &first))
        return give_text(call, "", 0);
    size_t from = place_of(text, size, first);
    return give_text(call, text + from, place_of(text + from, size - from, wanted));
}

static bool substr_bytes(struct function_call *call)
{
    size_t size;
    int64_t first, wanted = call->count > 2 ? call_integer(call, 2) : INT64_MAX;
    const char *bytes = call_text(call, 0, &size);
    if (wanted <= 0 || !begin_of(call_integer(call, 1), (int64_t)size, &first))
        return give_bytes(call, "", 0);
    return give_bytes(call, bytes + first, (size_t)MIN(wanted, (int64_t)size - first));
}

static bool give_place(struct function_call *call, const char *text, size_t place)
{
    return give_integer(call, place == SIZE_MAX ? 0 : letters_of(text, place) + 1);
}

static bool strpos_from_end(struct function_call *call, const char *text, size_t size,
                            const char *piece, size_t length, int64_t instance)
{
    for (size_t at = size >= length ? size - length + 1 : 0; at-- > 0;)
        if (memcmp(text + at, piece, length) == 0 && is_lead(text[at]) && ++instance == 0)
            return give_place(call, text, at);
    return give_integer(call, 0);
}

static bool strpos(struct function_call *call)
{
    size_t size, length, at;
    const char *text = call_text(call, 0, &size), *piece = call_text(call, 1, &length);
    int64_t instance = call->count > 2 ? call_integer(call, 2) : 1;
    if (instance == 0)
        return call_fail(call, INVALID_ARGUMENT,
                         "'instance' must be a positive or negative number.");
    if (length == 0)
        return give_integer(call, 1);
    if (instance < 0)
        return strpos_from_end(call, text, size, piece, length, instance);
    for (at = find(text, size, piece, length, 0); at != SIZE_MAX && --instance > 0;)
        at = find(text, size, piece, length, at + 1);
    return give_place(call, text, at);
}

static bool replace(struct function_call *call)
{
    size_t size, length, added = 0;
    const char *text = call_text(call, 0, &size), *piece = call_text(call, 1, &length);
    const char *with = call->count > 2 ? call_text(call, 2, &added) : "";
    size_t from = 0;
    if (length == 0) { /* before each letter and at the end */
        for (; from < size; from += letter_size(text + from, size - from)) {
            g_string_append_len(call->text, with, (gssize)added);
            g_string_append_len(call->text, text + from,
                                (gssize)letter_size(text + from, size - from));
        }
        g_string_append_len(call->text, with, (gssize)added);
        return give_made(call);
    }
    for (size_t at; (at = find(text, size, piece, length, from)) != SIZE_MAX; from = at + length) {
        g_string_append_len(call->text, text + from, (gssize)(at - from));
        g_string_append_len(call->text, with, (gssize)added);
    }
    g_string_append_len(call->text, text + from, (gssize)(size - from));
    return give_made(call);
}

static bool translate(struct function_call *call)
{
    size_t size, from_size, to_size, length;
    const char *text = call_text(call, 0, &size), *from = call_text(call, 1, &from_size);
    const char *to = call_text(call, 2, &to_size);
    for (size_t at = 0; at < size; at += length) {
        length = letter_size(text + at, size - at);
        size_t i = 0, place = 0;
        while (i < from_size &&
               !same(text + at, length, from + i, letter_size(from + i, from_size - i))) {
            i += letter_size(from + i, from_size - i);
            place++;
        }
        if (i >= from_size) {
            g_string_append_len(call->text, text + at, (gssize)length);
            continue;
        }
        size_t other = place_of(to, to_size, (int64_t)place);
        if (other < to_size)
            g_string_append_len(call->text, to + other,
                                (gssize)letter_size(to + other, to_size - other));
    }
    return give_made(call);
}

/* ---- padding ---- */

static void fill(struct function_call *call, int64_t letters, const char *with, size_t size)
{
    int64_t whole = letters_of(with, size);
    for (; letters >= whole; letters -= whole)
        g_string_append_len(call->text, with, (gssize)size);
    g_string_append_len(call->text, with, (gssize)place_of(with, size, letters));
}

static bool pad(struct function_call *call, bool left)
{
    size_t size, with_size;
    const char *text = call_text(call, 0, &size), *with = call_text(call, 2, &with_size);
    int64_t wanted = call_integer(call, 1), letters = letters_of(text, size);
    if (wanted < 0 || wanted > INT32_MAX)
        return call_fail(call, INVALID_ARGUMENT,
                         "Target length must be in the range [0..2147483647]");
    if (!with_size)
        return call_fail(call, INVALID_ARGUMENT, "Padding string must not be empty");
    if (wanted <= letters)
        return give_text(call, text, place_of(text, size, wanted));
    if (!left)
        g_string_append_len(call->text, text, (gssize)size);
    fill(call, wanted - letters, with, with_size);
    if (left)
        g_string_append_len(call->text, text, (gssize)size);
    return give_made(call);
}

static bool lpad(struct function_call *call)
{
    return pad(call, true);
}

static bool rpad(struct function_call *call)
{
    return pad(call, false);
}

static bool pad_bytes(struct function_call *call, bool left)
{
    size_t size, with_size;
    const char *bytes = call_text(call, 0, &size), *with = call_text(call, 2, &with_size);
    int64_t wanted = call_integer(call, 1);
    if (wanted < 0 || wanted > INT32_MAX)
        return call_fail(call, INVALID_ARGUMENT,
                         "Target length must be in the range [0..2147483647]");
    if (!with_size)
        return call_fail(call, INVALID_ARGUMENT, "Padding bytes must not be empty");
    if ((size_t)wanted <= size)
        return give_bytes(call, bytes, (size_t)wanted);
    if (!left)
        g_string_append_len(call->text, bytes, (gssize)size);
    for (size_t i = 0; i < (size_t)wanted - size; i++)
        g_string_append_c(call->text, with[i % with_size]);
    if (left)
        g_string_append_len(call->text, bytes, (gssize)size);
    return give_bytes(call, call->text->str, call->text->len);
}

static bool lpad_bytes(struct function_call *call)
{
    return pad_bytes(call, true);
}

static bool rpad_bytes(struct function_call *call)
{
    return pad_bytes(call, false);
}

/* ---- splitting ---- */

static bool split(struct function_call *call)
{
    size_t size, length, from = 0, at;
    const char *text = call_text(call, 0, &size), *by = call_text(call, 1, &length);
    int64_t most = call->count > 2 ? call_integer(call, 2) : INT32_MAX;
    if (most <= 0)
        return call_fail(call, INVALID_ARGUMENT, "Limit must be positive");
    if (most > INT32_MAX)
        return call_fail(call, INVALID_ARGUMENT, "Limit is too large");
    if (!length)
        return call_fail(call, INVALID_ARGUMENT, "The delimiter may not be the empty string");
    give_list(call);
    for (; --most > 0 && (at = find(text, size, by, length, from)) != SIZE_MAX; from = at + length)
        give_element(call, text + from, at - from);
    give_element(call, text + from, size - from);
    return true;
}

static bool split_part(struct function_call *call)
{
    size_t size, length, from = 0;
    const char *text = call_text(call, 0, &size), *by = call_text(call, 1, &length);
    int64_t wanted = call_integer(call, 2);
    if (wanted <= 0)
        return call_fail(call, INVALID_ARGUMENT, "Index must be greater than zero");
    if (!length) { /* the letters */
        if (wanted > letters_of(text, size))
            return give_null(call);
        from = place_of(text, size, wanted - 1);
        return give_text(call, text + from, letter_size(text + from, size - from));
    }
    for (;; wanted--) {
        size_t at = find(text, size, by, length, from);
        if (wanted == 1)
            return give_text(call, text + from, (at == SIZE_MAX ? size : at) - from);
        if (at == SIZE_MAX)
            return give_null(call);
        from = at + length;
    }
}

/* ---- maps of texts ---- */

static void put_text(struct sink *sink, uint64_t row, const char *bytes, size_t size)
{
    sink_text(sink, row, bytes, size);
}

static bool check_delimiters(struct function_call *call, const char *entry, size_t entry_size,
                             const char *pair, size_t pair_size)
{
    if (!entry_size)
        return call_fail(call, INVALID_ARGUMENT, "entryDelimiter is empty");
    if (!pair_size)
        return call_fail(call, INVALID_ARGUMENT, "keyValueDelimiter is empty");
    return !same(entry, entry_size, pair, pair_size) ||
           call_fail(call, INVALID_ARGUMENT,
                     "entryDelimiter and keyValueDelimiter must not be the same");
}

struct pair {
    const char *key, *value;
    size_t key_size, value_size;
};

/* The pairs of a text; NULL where it has failed. */
static GArray *pairs_of(struct function_call *call)
{
    size_t size, entry_size, pair_size, from = 0;
    const char *text = call_text(call, 0, &size), *entry = call_text(call, 1, &entry_size);
    const char *by = call_text(call, 2, &pair_size);
    if (!check_delimiters(call, entry, entry_size, by, pair_size))
        return NULL;
    GArray *pairs = g_array_new(FALSE, FALSE, sizeof(struct pair));
    while (from < size) {
        size_t end = find(text, size, entry, entry_size, from);
        end = end == SIZE_MAX ? size : end;
        size_t middle = find(text, end, by, pair_size, from);
        if (middle == SIZE_MAX || find(text, end, by, pair_size, middle + pair_size) != SIZE_MAX) {
            call_fail(call, INVALID_ARGUMENT,
                      "Key-value delimiter must appear exactly once in each entry. Bad input: "
                      "'%.*s'",
                      (int)(end - from), text + from);
            g_array_unref(pairs);
            return NULL;
        }
        struct pair pair = {text + from, text + middle + pair_size, middle - from,
                            end - middle - pair_size};
        g_array_append_val(pairs, pair);
        from = end + entry_size;
    }
    return pairs;
}

/* The pair of the same key before number i, or i itself. */
static guint first_of(const GArray *pairs, guint i)
{
    const struct pair *pair = &g_array_index(pairs, struct pair, i);
    guint first = 0;
    for (; first < i; first++) {
        const struct pair *other = &g_array_index(pairs, struct pair, first);
        if (same(pair->key, pair->key_size, other->key, other->key_size))
            break;
    }
    return first;
}

static bool split_to_map(struct function_call *call)
{
    GArray *pairs = pairs_of(call);
    if (!pairs)
        return false;
    bool good = true;
    give_list(call);
    for (guint i = 0; good && i < pairs->len; i++) {
        const struct pair *pair = &g_array_index(pairs, struct pair, i);
        if (first_of(pairs, i) != i) {
            good = call_fail(call, INVALID_ARGUMENT, "Duplicate keys (%.*s) are not allowed",
                             (int)pair->key_size, pair->key);
            break;
        }
        uint64_t element = sink_next_element(call->result, call->row);
        put_text(&call->result->children[0], element, pair->key, pair->key_size);
        put_text(&call->result->children[1], element, pair->value, pair->value_size);
    }
    g_array_unref(pairs);
    return good;
}

static void put_values(struct sink *values, uint64_t row, const GArray *pairs, guint of)
{
    sink_begin_list(values, row);
    for (guint i = of; i < pairs->len; i++) {
        const struct pair *pair = &g_array_index(pairs, struct pair, i);
        if (first_of(pairs, i) != of)
            continue;
        uint64_t element = sink_next_element(values, row);
        put_text(&values->children[0], element, pair->value, pair->value_size);
    }
}

static bool split_to_multimap(struct function_call *call)
{
    GArray *pairs = pairs_of(call);
    if (!pairs)
        return false;
    give_list(call);
    for (guint i = 0; i < pairs->len; i++) {
        const struct pair *pair = &g_array_index(pairs, struct pair, i);
        if (first_of(pairs, i) != i)
            continue;
        uint64_t element = sink_next_element(call->result, call->row);
        put_text(&call->result->children[0], element, pair->key, pair->key_size);
        put_values(&call->result->children[1], element, pairs, i);
    }
    g_array_unref(pairs);
    return true;
}

/* ---- code points ---- */

static bool chr(struct function_call *call)
{
    int64_t code = call_integer(call, 0);
    if (code < 0 || code > 0x10ffff)
        return call_fail(call, INVALID_ARGUMENT,
                         "Not a valid Unicode code point: %" G_GINT64_FORMAT, code);
    g_string_append_unichar(call->text, (gunichar)code);
    return give_made(call);
}

static bool codepoint(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    if (letters_of(text, size) != 1)
        return call_fail(call, INVALID_ARGUMENT, "Input string must be a single character string");
    return give_integer(call, g_utf8_get_char(text));
}

static bool from_utf8(struct function_call *call)
{
    size_t size, length = 3;
    const char *bytes = call_text(call, 0, &size), *with = "\xef\xbf\xbd";
    if (call->count > 1) {
        with = call_text(call, 1, &length);
        if (letters_of(with, length) > 1)
            return call_fail(call, INVALID_ARGUMENT,
                             "Replacement character string must empty or a single character");
    }
    while (size) {
        const char *end;
        g_utf8_validate_len(bytes, size, &end);
        size_t good = (size_t)(end - bytes);
        g_string_append_len(call->text, bytes, (gssize)good);
        bytes += good;
        size -= good;
        if (!size)
            break;
        if (*bytes)
            g_string_append_len(call->text, with, (gssize)length);
        else
            g_string_append_c(call->text, 0);
        bytes++;
        size--;
    }
    return give_made(call);
}

static bool normalize(struct function_call *call)
{
    static const struct {
        const char *name;
        GNormalizeMode mode;
    } forms[] = {{"NFD", G_NORMALIZE_NFD},
                 {"NFC", G_NORMALIZE_NFC},
                 {"NFKD", G_NORMALIZE_NFKD},
                 {"NFKC", G_NORMALIZE_NFKC}};
    size_t size, length;
    const char *text = call_text(call, 0, &size), *form = call_text(call, 1, &length);
    for (size_t i = 0; i < G_N_ELEMENTS(forms); i++)
        if (same(form, length, forms[i].name, strlen(forms[i].name))) {
            g_autofree char *made = g_utf8_normalize(text, (gssize)size, forms[i].mode);
            return give_text(call, made, strlen(made));
        }
    return call_fail(call, INVALID_ARGUMENT,
                     "Normalization form must be one of [NFD, NFC, NFKD, "
                     "NFKC]");
}

/* ---- likenesses ---- */

static gunichar *code_points(const char *text, size_t size, glong *count)
{
    return g_utf8_to_ucs4_fast(text, (glong)size, count);
}

static bool levenshtein(struct function_call *call)
{
    size_t size, other_size;
    const char *text = call_text(call, 0, &size), *other = call_text(call, 1, &other_size);
    glong rows, width;
    g_autofree gunichar *a = code_points(text, size, &rows);
    g_autofree gunichar *b = code_points(other, other_size, &width);
    if (rows * width > 1000000)
        return call_fail(call, INVALID_ARGUMENT,
                         "The combined inputs size exceeded max Levenshtein distance allowed, "
                         "right = %ld, left = %ld",
                         width, rows);
    g_autofree int64_t *costs = g_new(int64_t, width + 1);
    for (glong j = 0; j <= width; j++)
        costs[j] = j;
    for (glong i = 1; i <= rows; i++) {
        int64_t corner = costs[0];
        costs[0] = i;
        for (glong j = 1; j <= width; j++) {
            int64_t change = corner + (a[i - 1] != b[j - 1]);
            corner = costs[j];
            costs[j] = MIN(change, MIN(costs[j], costs[j - 1]) + 1);
        }
    }
    return give_integer(call, costs[width]);
}

static bool hamming(struct function_call *call)
{
    size_t size, other_size;
    const char *text = call_text(call, 0, &size), *other = call_text(call, 1, &other_size);
    glong count, width;
    g_autofree gunichar *a = code_points(text, size, &count);
    g_autofree gunichar *b = code_points(other, other_size, &width);
    int64_t distance = 0;
    if (count != width)
        return call_fail(call, INVALID_ARGUMENT,
                         "The input strings to hamming_distance function must have the same "
                         "length");
    for (glong i = 0; i < count; i++)
        distance += a[i] != b[i];
    return give_integer(call, distance);
}

static bool soundex(struct function_call *call)
{
    static const char map[] = "01230120022455012623010202"; /* of A to Z */
    size_t size;
    const char *text = call_text(call, 0, &size);
    char last = 0;
    for (size_t i = 0; i < size && call->text->len < 4; i++) {
        char c = g_ascii_toupper(text[i]);
        if ((unsigned char)c >= 0x80)
            return call_fail(call, INVALID_ARGUMENT, "The character is not mapped: %d", c);
        if (!g_ascii_isalpha(c))
            continue;
        char code = map[c - 'A'];
        if (!call->text->len)
            g_string_append_c(call->text, c);
        else if (code != '0' && code != last)
            g_string_append_c(call->text, code);
        if (c != 'H' && c != 'W')
            last = code;
    }
    while (call->text->len && call->text->len < 4)
        g_string_append_c(call->text, '0');
    return give_made(call);
}

static bool luhn_check(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    int sum = 0;
    for (size_t i = 0; i < size; i++) {
        if (!g_ascii_isdigit(text[size - 1 - i]))
            return call_fail(call, INVALID_ARGUMENT, "Input must be a string of digits");
        int digit = (text[size - 1 - i] - '0') << (i % 2);
        sum += digit > 9 ? digit - 9 : digit;
    }
    return give_truth(call, size && sum % 10 == 0);
}

/* ---- LIKE with an escape ---- */

static bool like_here(const char *text, size_t size, const char *pattern, size_t length,
                      const char *escape)
{
    size_t at = 0, i = 0, star = SIZE_MAX, mark = 0;
    while (at < size || i < length) {
        bool escaped = i < length && escape && pattern[i] == *escape;
        size_t p = i + escaped;
        if (!escaped && i < length && pattern[i] == '%') {
            star = ++i;
            mark = at;
            continue;
        }
        if (!escaped && i < length && pattern[i] == '_' && at < size) {
            at += letter_size(text + at, size - at);
            i++;
            continue;
        }
        if (p < length && at < size && text[at] == pattern[p] && (escaped || pattern[p] != '_')) {
            at++;
            i = p + 1;
            continue;
        }
        if (star == SIZE_MAX || mark >= size)
            return false;
        mark += letter_size(text + mark, size - mark);
        at = mark;
        i = star;
    }
    return true;
}

static bool like(struct function_call *call)
{
    size_t size, length, escape_size;
    const char *text = call_text(call, 0, &size), *pattern = call_text(call, 1, &length);
    const char *escape = call_text(call, 2, &escape_size);
    if (escape_size != 1)
        return call_fail(call, INVALID_ARGUMENT, "Escape string must be a single character");
    for (size_t i = 0; i < length; i++)
        if (pattern[i] == *escape) {
            char next = ++i < length ? pattern[i] : 0;
            if (next != '%' && next != '_' && next != *escape)
                return call_fail(call, INVALID_ARGUMENT,
                                 "Escape character must be followed by '%%', '_' or the escape "
                                 "character itself");
        }
    return give_truth(call, like_here(text, size, pattern, length, escape));
}

/* ---- joining ---- */

static bool concat_ws(struct function_call *call)
{
    size_t size, length;
    const char *by = call_text(call, 0, &length);
    uint64_t first, count;
    const struct value_view *list = call_list(call, 1, &first, &count);
    bool any = false;
    for (uint64_t i = first; i < first + count; i++) {
        if (value_is_null(list, i))
            continue;
        if (any)
            g_string_append_len(call->text, by, (gssize)length);
        const char *text = value_bytes(list, i, &size);
        g_string_append_len(call->text, text, (gssize)size);
        any = true;
    }
    return give_made(call);
}

/* Raises an error of the statement's: "NAME:text". */
static bool fail_so(struct function_call *call)
{
    size_t size;
    const char *text = call_text(call, 0, &size);
    call->error = g_strndup(text, size);
    return false;
}

const struct function functions_text[] = {
    {"fail", "varchar -> varchar", fail_so, 0, NULL},
    {"lower", "varchar -> varchar", lower, 0, NULL},
    {"upper", "varchar -> varchar", upper, 0, NULL},
    {"reverse", "varchar -> varchar", reverse, 0, NULL},
    {"trim", "varchar -> varchar", trim, 0, NULL},
    {"trim", "varchar, varchar -> varchar", trim, 0, NULL},
    {"ltrim", "varchar -> varchar", ltrim, 0, NULL},
    {"ltrim", "varchar, varchar -> varchar", ltrim, 0, NULL},
    {"rtrim", "varchar -> varchar", rtrim, 0, NULL},
    {"rtrim", "varchar, varchar -> varchar", rtrim, 0, NULL},
    {"substr", "varchar, bigint -> varchar", substr, 0, NULL},
    {"substr", "varchar, bigint, bigint -> varchar", substr, 0, NULL},
    {"substr_bytes", "varbinary, bigint -> varbinary", substr_bytes, 0, NULL},
    {"substr_bytes", "varbinary, bigint, bigint -> varbinary", substr_bytes, 0, NULL},
    {"strpos", "varchar, varchar -> bigint", strpos, 0, NULL},
    {"strpos", "varchar, varchar, bigint -> bigint", strpos, 0, NULL},
    {"replace", "varchar, varchar -> varchar", replace, 0, NULL},
    {"replace", "varchar, varchar, varchar -> varchar", replace, 0, NULL},
    {"translate", "varchar, varchar, varchar -> varchar", translate, 0, NULL},
    {"lpad", "varchar, bigint, varchar -> varchar", lpad, 0, NULL},
    {"rpad", "varchar, bigint, varchar -> varchar", rpad, 0, NULL},
    {"lpad_bytes", "varbinary, bigint, varbinary -> varbinary", lpad_bytes, 0, NULL},
    {"rpad_bytes", "varbinary, bigint, varbinary -> varbinary", rpad_bytes, 0, NULL},
    {"split", "varchar, varchar -> array(varchar)", split, 0, NULL},
    {"split", "varchar, varchar, bigint -> array(varchar)", split, 0, NULL},
    {"split_part", "varchar, varchar, bigint -> varchar", split_part, 0, NULL},
    {"split_to_map", "varchar, varchar, varchar -> map(varchar, varchar)", split_to_map, 0, NULL},
    {"split_to_multimap", "varchar, varchar, varchar -> map(varchar, array(varchar))",
     split_to_multimap, 0, NULL},
    {"chr", "bigint -> varchar", chr, 0, NULL},
    {"codepoint", "varchar -> integer", codepoint, 0, NULL},
    {"from_utf8", "varbinary -> varchar", from_utf8, 0, NULL},
    {"from_utf8", "varbinary, varchar -> varchar", from_utf8, 0, NULL},
    {"normalize", "varchar, varchar -> varchar", normalize, 0, NULL},
    {"levenshtein", "varchar, varchar -> bigint", levenshtein, 0, NULL},
    {"hamming", "varchar, varchar -> bigint", hamming, 0, NULL},
    {"soundex", "varchar -> varchar", soundex, 0, NULL},
    {"luhn_check", "varchar -> boolean", luhn_check, 0, NULL},
    {"like_escape", "varchar, varchar, varchar -> boolean", like, 0, NULL},
    {"concat_ws", "varchar, array(varchar) -> varchar", concat_ws, 0, NULL},
    {0},
};
