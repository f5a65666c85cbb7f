/* Records as they stand, through a function. */
#include <string.h>

#include "base/error.h"
#include "rows/rows_inside.h"

static void *new_outcome(void *state)
{
    (void)state;
    return g_new0(struct rows_outcome, 1);
}

static void free_outcome(void *of)
{
    struct rows_outcome *outcome = of;
    lathe_text_clear(&outcome->text);
    g_clear_error(&outcome->error);
    g_free(outcome);
}

static size_t count_records(enum rows_split split, const char *bytes, size_t size)
{
    size_t count = 0;
    for (size_t at = 0; at < size; count++)
        at += rows_record_size(split, bytes + at, size - at);
    return count;
}

/* Lines do not begin so: it is packed twice. */
static bool is_packed_again(const struct rows_records_options *options,
                            const struct rows_piece *piece)
{
    return options->packed && options->split == ROWS_SPLIT_LINES && piece->first &&
           piece->size >= 3 && memcmp(piece->text, "\x1f\x8b\x08", 3) == 0;
}

/* What went wrong is told in order, with the record's number in its file: this itself never fails.
 */
static bool work(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    (void)error;
    const struct rows_records_options *options = state;
    struct rows_outcome *outcome = piece->result;
    outcome->text.size = outcome->record = 0;
    g_clear_error(&outcome->error);
    if (is_packed_again(options, piece)) {
        error_set(&outcome->error, ERROR_VALIDATION, "%s is gzip within gzip: no lines",
                  piece->file->name);
        return true;
    }
    piece->rows = count_records(options->split, piece->text, piece->size);
    options->work(options->data, piece->text, piece->size, outcome);
    return true;
}

static bool take(struct rows_piece *piece, const struct rows_records_options *options,
                 struct rows_fault *fault, GError **error)
{
    struct rows_outcome *outcome = piece->result;
    fault->file = piece->number;
    fault->record = outcome->record ? piece->first_row - 1 + outcome->record : 0;
    if (outcome->error) {
        g_propagate_error(error, g_steal_pointer(&outcome->error));
        return false;
    }
    return options->take(options->data, piece->number, &outcome->text, error);
}

/* Tells of the ends of files up to that one, of which the last may have had records. */
static bool tell_ends(size_t *ended, size_t up_to, const struct rows_records_options *options,
                      struct rows_fault *fault, GError **error)
{
    for (; *ended < up_to; ++*ended) {
        *fault = (struct rows_fault){*ended, 0};
        if (!options->take(options->data, *ended, NULL, error))
            return false;
    }
    return true;
}

static bool go_through(struct rows_pieces *pieces, size_t from, size_t count,
                       const struct rows_records_options *options, struct rows_fault *fault,
                       GError **error)
{
    for (size_t ended = from;;) {
        struct rows_piece *piece;
        GError *cause = NULL;
        bool found = rows_pieces_next(pieces, &piece, &cause);
        size_t file = found ? piece ? piece->number : count : rows_pieces_faulty(pieces);
        if (!tell_ends(&ended, file, options, fault, cause ? NULL : error)) {
            g_clear_error(&cause);
            return false;
        }
        if (!found) {
            *fault = (struct rows_fault){file, 0};
            g_propagate_error(error, cause);
            return false;
        }
        if (!piece)
            return true;
        if (!take(piece, options, fault, error))
            return false;
    }
}

bool rows_records_each(const GPtrArray *files, size_t from,
                       const struct rows_records_options *options, struct rows_fault *fault,
                       GError **error)
{
    const struct rows_reader reader = {
        .state = (void *)options,
        .cut = {.format = ROWS_RECORDS,
                .split = options->split,
                .packing = options->packed ? ROWS_PACKED : ROWS_PLAIN,
                .piece = options->piece,
                .longest = options->longest},
        .read = work,
        .new_result = new_outcome,
        .free_result = free_outcome};
    struct rows_pieces *pieces = rows_pieces_open_from(files, from, &reader, options->threads);
    bool done = go_through(pieces, from, files->len, options, fault, error);
    rows_pieces_close(pieces);
    return done;
}
