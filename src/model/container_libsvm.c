/* libsvm: the words of a line that have a colon in them are entries, all others (a label) are
 * passed over; a row without entries is a row, unless none comes after it. */
#include "model/container_parts.h"

#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KIND "libsvm"

struct entry {
    size_t row;
    int64_t index;
    double value;
};

struct entries {
    struct entry *list;
    size_t count, room;
    int64_t lowest, highest;
};

static bool add(struct entries *entries, struct entry entry, struct lathe_error *error)
{
    if (entries->count == entries->room) {
        size_t room = entries->room ? entries->room * 2 : 64;
        struct entry *list = realloc(entries->list, room * sizeof *list);
        if (!list)
            return fail(error, LATHE_NO_MEMORY, "no memory for %zu entries", room);
        entries->list = list;
        entries->room = room;
    }
    if (!entries->count || entry.index < entries->lowest)
        entries->lowest = entry.index;
    if (!entries->count || entry.index > entries->highest)
        entries->highest = entry.index;
    entries->list[entries->count++] = entry;
    return true;
}

/* An entry's value, of which nothing may be wrong before all indices are known to be right. */
struct wrong {
    const char *text;
    size_t size, row;
};

static bool fail_text(bool wraps, const char *what, const char *text, size_t size, size_t row,
                      struct lathe_error *error)
{
    char words[360];
    python_repr(wraps, text, size, words, sizeof words);
    return container_fail(KIND, "ValueError", error, "%s: %s (row %zu)", what, words, row);
}

/* INDEX:VALUE; what follows a second colon does not count. */
static bool read_entry(const struct container_rows *rows, const char *word, size_t size, size_t row,
                       struct entries *entries, struct wrong *wrong, struct lathe_error *error)
{
    const char *colon = memchr(word, ':', size);
    if (!colon)
        return true;
    struct entry entry = {.row = row};
    size_t length = (size_t)(colon - word), left = size - length - 1;
    const char *second = memchr(colon + 1, ':', left);
    size_t value = second ? (size_t)(second - colon - 1) : left;
    if (!python_int(word, length, &entry.index))
        /* The release that counts from one has Python read indices, all others numpy. */
        return fail_text(rows->release->wraps_texts && !rows->release->counts_from_one,
                         "invalid literal for int() with base 10", word, length, row + 1, error);
    if (!python_float(colon + 1, value, &entry.value) && !wrong->text)
        *wrong = (struct wrong){colon + 1, value, row + 1};
    return add(entries, entry, error);
}

static bool read_lines(const struct container_rows *rows, const char *text, size_t size,
                       struct entries *entries, struct lathe_error *error)
{
    const char *end = text + size, *word = text;
    struct wrong wrong = {0};
    size_t row = 0;
    for (const char *at = text; at <= end; at++) {
        if (at < end && *at != ' ' && *at != '\n')
            continue;
        if (!read_entry(rows, word, (size_t)(at - word), row, entries, &wrong, error))
            return false;
        row += at < end && *at == '\n';
        word = at + 1;
    }
    return !wrong.text || fail_text(rows->release->wraps_texts, "could not convert string to float",
                                    wrong.text, wrong.size, wrong.row, error);
}

static bool check_indices(const struct container_rows *rows, const struct entries *entries,
                          struct lathe_error *error)
{
    if (!entries->count)
        return container_fail(KIND, "ValueError", error,
                              "cannot infer dimensions from zero sized index arrays");
    if (entries->lowest >= 0)
        return true;
    return rows->release->wraps_texts
               ? container_fail(KIND, "ValueError", error, "negative axis 1 index: %lld",
                                (long long)entries->lowest)
               : container_fail(KIND, "ValueError", error, "negative column index found");
}

/* Sums what has the same place, in doubles as scipy does; `sums` is a row's. */
static bool fill_row(const struct container_rows *rows, const struct entry *entries, size_t count,
                     int64_t base, double *sums, float *out, struct lathe_error *error)
{
    for (size_t i = 0; i < rows->features; i++)
        out[i] = NAN;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = (uint64_t)(entries[i].index - base);
        if (index < rows->features)
            sums[index] = 0;
    }
    double infinite = 0;
    for (size_t i = 0; i < count; i++) {
        uint64_t index = (uint64_t)(entries[i].index - base);
        if (isinf((float)entries[i].value))
            infinite = INFINITY;
        if (index >= rows->features)
            continue;
        sums[index] += entries[i].value;
        out[index] = (float)sums[index];
    }
    return container_check_finite(rows->release, KIND, infinite, error);
}

static bool fill(const struct container_rows *rows, const struct entries *entries, int64_t base,
                 struct csv_matrix *matrix, struct lathe_error *error)
{
    size_t count = entries->list[entries->count - 1].row + 1, entry = 0;
    matrix->columns = rows->features;
    double *sums = malloc((rows->features + 1) * sizeof *sums);
    if (!sums)
        return fail(error, LATHE_NO_MEMORY, "no memory for %zu features", rows->features);
    bool filled = csv_matrix_reserve(matrix, count, error);
    for (size_t row = 0; filled && row < count; row++) {
        size_t first = entry;
        while (entry < entries->count && entries->list[entry].row == row)
            entry++;
        filled = fill_row(rows, entries->list + first, entry - first, base, sums,
                          matrix->values + row * rows->features, error);
    }
    free(sums);
    matrix->rows = filled ? count : 0;
    return filled;
}

bool container_libsvm(const struct container_rows *rows, struct csv_matrix *matrix,
                      struct lathe_error *error)
{
    const char *text = rows->text;
    size_t size = rows->size;
    struct entries entries = {0};
    container_strip(&text, &size);
    bool read = container_decode(KIND, text, size, error) &&
                read_lines(rows, text, size, &entries, error) &&
                check_indices(rows, &entries, error);
    int64_t base = rows->release->counts_from_one && entries.lowest >= 1 ? 1 : 0;
    read = read && fill(rows, &entries, base, matrix, error) &&
           container_check_width(rows, KIND, (size_t)(entries.highest - base) + 1, error);
    free(entries.list);
    return read;
}
