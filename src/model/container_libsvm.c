/* libsvm: the words of a line that have a colon in them are entries, all others (a label) are
 * passed over; a row without entries is a row, unless none comes after it. */
#include "model/container_inside.h"

#include "parse/fail.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define KIND "libsvm"

struct libsvm_entry {
    int64_t index;
    double value;
};

struct entries {
    struct libsvm_entry *list; /* room for one a colon */
    size_t count;
    size_t *starts; /* of the rows up to the last that has an entry; room for one a line */
    size_t rows;
    int64_t lowest, highest;
};

static bool make_room(struct entries *entries, const char *text, size_t size,
                      struct lathe_error *error)
{
    size_t colons = 0, lines = 1;
    for (size_t i = 0; i < size; i++) {
        colons += text[i] == ':';
        lines += text[i] == '\n';
    }
    entries->list = malloc((colons + 1) * sizeof *entries->list);
    entries->starts = calloc(lines + 1, sizeof *entries->starts);
    return (entries->list && entries->starts) ||
           fail(error, LATHE_NO_MEMORY, "no memory for %zu entries", colons);
}

static void add(struct entries *entries, size_t row, struct libsvm_entry entry)
{
    while (entries->rows <= row)
        entries->starts[entries->rows++] = entries->count;
    if (!entries->count || entry.index < entries->lowest)
        entries->lowest = entry.index;
    if (!entries->count || entry.index > entries->highest)
        entries->highest = entry.index;
    entries->list[entries->count++] = entry;
    entries->starts[entries->rows] = entries->count;
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
    struct libsvm_entry entry = {0};
    size_t length = (size_t)(colon - word), left = size - length - 1;
    const char *second = memchr(colon + 1, ':', left);
    size_t value = second ? (size_t)(second - colon - 1) : left;
    if (!python_int(word, length, &entry.index))
        /* The release that counts from one has Python read indices, all others numpy. */
        return fail_text(rows->release->wraps_texts && !rows->release->counts_from_one,
                         "invalid literal for int() with base 10", word, length, row + 1, error);
    if (!python_float(colon + 1, value, &entry.value) && !wrong->text)
        *wrong = (struct wrong){colon + 1, value, row + 1};
    add(entries, row, entry);
    return true;
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

/* Sums what has the same place, in doubles as scipy does; `sums` has a value a feature. Entries of
 * features that the model does not have are left out. */
static bool fill_row(const struct container_rows *rows, const struct libsvm_entry *entries,
                     size_t count, int64_t base, double *sums, struct libsvm_rows *sparse,
                     struct lathe_error *error)
{
    double infinite = 0;
    size_t at = sparse->starts[sparse->rows];
    for (size_t i = 0; i < count; i++) {
        uint64_t index = (uint64_t)(entries[i].index - base);
        if (index < rows->features)
            sums[index] = 0;
    }
    for (size_t i = 0; i < count; i++) {
        uint64_t index = (uint64_t)(entries[i].index - base);
        if (isinf((float)entries[i].value))
            infinite = INFINITY;
        if (index >= rows->features)
            continue;
        sums[index] += entries[i].value;
        sparse->indices[at] = (uint32_t)index;
        sparse->values[at++] = (float)sums[index]; /* of several, the last counts */
    }
    sparse->starts[++sparse->rows] = at;
    return container_check_finite(rows->release, KIND, infinite, error);
}

static bool fill(const struct container_rows *rows, const struct entries *entries, int64_t base,
                 struct libsvm_rows *sparse, struct lathe_error *error)
{
    double *sums = malloc((rows->features + 1) * sizeof *sums);
    sparse->starts = calloc(entries->rows + 1, sizeof *sparse->starts);
    sparse->indices = malloc((entries->count + 1) * sizeof *sparse->indices);
    sparse->values = malloc((entries->count + 1) * sizeof *sparse->values);
    bool filled = sums && sparse->starts && sparse->indices && sparse->values;
    if (!filled)
        fail(error, LATHE_NO_MEMORY, "no memory for %zu rows of %zu entries", entries->rows,
             entries->count);
    for (size_t row = 0; filled && row < entries->rows; row++) {
        size_t first = entries->starts[row];
        filled = fill_row(rows, entries->list + first, entries->starts[row + 1] - first, base, sums,
                          sparse, error);
    }
    free(sums);
    return filled;
}

bool container_libsvm(const struct container_rows *rows, struct libsvm_rows *sparse,
                      struct lathe_error *error)
{
    const char *text = rows->text;
    size_t size = rows->size;
    struct entries entries = {0};
    container_strip(&text, &size);
    bool read =
        container_decode(KIND, text, size, error) && make_room(&entries, text, size, error) &&
        read_lines(rows, text, size, &entries, error) && check_indices(rows, &entries, error);
    int64_t base = rows->release->counts_from_one && entries.lowest >= 1 ? 1 : 0;
    read = read && fill(rows, &entries, base, sparse, error) &&
           container_check_width(rows, KIND, (size_t)(entries.highest - base) + 1, error);
    free(entries.list);
    free(entries.starts);
    return read;
}
