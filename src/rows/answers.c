#include <string.h>

#include "base/error.h"
#include "base/file.h"
#include "lathe.h"
#include "model/predict.h"
#include "parse/number.h"
#include "rows/rows_inside.h"

/* The header of a file: put before each of its pieces, or, where it names nothing that the
 * predictor knows, passed over. */
struct header {
    char *bytes;
    size_t size, lines;
    bool passed_over;
};

struct answers {
    const struct lathe_predictor *predictor;
    enum lathe_answer what;
    enum rows_format format;
    struct rows_shape shape;
    GPtrArray *headers; /* of files, made in order */
};

struct result {
    GByteArray *text; /* header and rows */
    struct lathe_text answer;
};

static void *new_result(void *state)
{
    (void)state;
    struct result *result = g_new0(struct result, 1);
    result->text = g_byte_array_new();
    return result;
}

static void free_result(void *of)
{
    struct result *result = of;
    g_byte_array_unref(result->text);
    lathe_text_clear(&result->answer);
    g_free(result);
}

static void free_header(void *of)
{
    struct header *header = of;
    g_free(header->bytes);
    g_free(header);
}

/* ---- headers ---- */

static bool has_name(const struct csv_text *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strlen(name) == fields[i].size && memcmp(fields[i].bytes, name, fields[i].size) == 0)
            return true;
    return false;
}

static bool has_names(const struct lathe_predictor *predictor)
{
    size_t count;
    const struct lathe_column *columns = lathe_predictor_columns(predictor, &count);
    return count && columns[0].name;
}

/* Whether a record names columns of the predictor (one is enough: which others are missing is for
 * the reader to say); where those have no names, whether none of it is a number. */
static bool names_columns(const struct lathe_predictor *predictor, const struct csv_text *fields,
                          size_t count)
{
    size_t columns;
    const struct lathe_column *column = lathe_predictor_columns(predictor, &columns);
    bool named = has_names(predictor);
    for (size_t i = 0; named && i < columns; i++)
        if (has_name(fields, count, column[i].name))
            return true;
    for (size_t i = 0; !named && i < count; i++) {
        double value;
        if (!fields[i].size || number_parse(fields[i].bytes, fields[i].size, &value))
            return false;
    }
    return !named;
}

/* How many bytes of the text its header has; 0 where it has none. */
static size_t find_header(const struct lathe_predictor *predictor, const char *text, size_t size)
{
    struct csv_reader reader;
    size_t count;
    csv_reader_start(&reader, NULL, text, size, NULL, (struct csv_scratch){0});
    struct csv_reader naming = reader;
    if (csv_reader_next(&reader, NULL, 0, &count, NULL) != CSV_RECORD)
        return 0;
    g_autofree struct csv_text *fields = g_new0(struct csv_text, count);
    csv_reader_next(&naming, fields, count, &count, NULL);
    return names_columns(predictor, fields, count) ? (size_t)(naming.at - text) : 0;
}

/* Takes the header off a file's first piece. */
static const struct header *take_header(struct answers *answers, struct rows_piece *piece)
{
    size_t size = find_header(answers->predictor, piece->text, piece->size);
    if (!size)
        return NULL;
    struct header *header = g_new0(struct header, 1);
    header->lines = csv_count_lines(piece->text, piece->text + size);
    header->passed_over = !has_names(answers->predictor);
    header->size = header->passed_over ? 0 : size;
    header->bytes = g_memdup2(piece->text, header->size);
    piece->text += size;
    piece->size -= size;
    piece->first_line += header->lines;
    g_ptr_array_add(answers->headers, header);
    return header;
}

/* ---- pieces ---- */

static bool refuse_parquet(void *state, struct parquet *parquet, struct rows_piece *piece,
                           GError **error)
{
    (void)state;
    (void)parquet;
    return error_set(error, ERROR_VALIDATION,
                     "%s is a Parquet file: rows to be predicted are CSV, JSON Lines or libsvm",
                     piece->file->name);
}

static bool meet(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    (void)error;
    struct answers *answers = state;
    if (answers->format == ROWS_CSV && piece->first)
        piece->context = take_header(answers, piece);
    bool sniffs = answers->format == ROWS_CSV && !piece->context && !answers->shape.delimiter;
    if (sniffs && piece->size)
        answers->shape.delimiter = csv_sniff_delimiter(piece->text, piece->size);
    piece->shape = answers->shape;
    return true;
}

static enum lathe_row_format format_of(const struct answers *answers, const struct header *header)
{
    switch (answers->format) {
    case ROWS_JSON_LINES:
        return LATHE_ROWS_JSON_LINES;
    case ROWS_LIBSVM:
        return LATHE_ROWS_LIBSVM;
    default:
        return header && header->size ? LATHE_ROWS_CSV_HEADER : LATHE_ROWS_CSV;
    }
}

/* Whether the piece has nothing but line ends. */
static bool is_blank(const struct rows_piece *piece)
{
    for (size_t i = 0; i < piece->size; i++)
        if (piece->text[i] != '\n' && piece->text[i] != '\r')
            return false;
    return true;
}

static bool answer_piece(void *state, struct rows_piece *piece, struct lathe_error *error)
{
    const struct answers *answers = state;
    const struct header *header = piece->context;
    struct result *result = piece->result;
    struct predict_place place = {.name = piece->file->name,
                                  .inside = !piece->first || header,
                                  .first_line = piece->first_line,
                                  .first_row = piece->first_row,
                                  .delimiter = piece->shape.delimiter};
    const char *text = piece->text;
    size_t size = piece->size;
    piece->rows = result->answer.size = 0;
    if (is_blank(piece))
        return true;
    if (header && header->size) {
        g_byte_array_set_size(result->text, 0);
        g_byte_array_append(result->text, (const guint8 *)header->bytes, (guint)header->size);
        g_byte_array_append(result->text, (const guint8 *)text, (guint)size);
        text = (const char *)result->text->data;
        size = result->text->len;
        place.inside = false;
        place.first_line -= header->lines;
    }
    if (!predict_text_at(answers->predictor, answers->what, format_of(answers, header), text, size,
                         &place, &result->answer, error))
        return false;
    piece->rows = csv_count_lines(result->answer.bytes, result->answer.bytes + result->answer.size);
    return true;
}

static bool write_answers(struct rows_pieces *pieces, int out, GError **error)
{
    for (;;) {
        struct rows_piece *piece;
        if (!rows_pieces_next(pieces, &piece, error))
            return false;
        if (!piece)
            return true;
        const struct result *result = piece->result;
        if (result->answer.size &&
            !file_write_all(out, result->answer.bytes, result->answer.size, error))
            return false;
    }
}

bool rows_predict(const struct lathe_predictor *predictor, enum lathe_answer what,
                  const GPtrArray *files, enum rows_format format, int out, GError **error)
{
    struct answers answers = {.predictor = predictor, .what = what, .format = format};
    answers.headers = g_ptr_array_new_with_free_func(free_header);
    if (lathe_predictor_starts_with_bundle(predictor))
        answers.shape.delimiter = ',';
    const struct rows_reader reader = {
        .state = &answers,
        .cut = {.format = format,
                .dialect = {.delimiter = answers.shape.delimiter, .no_quotes = format != ROWS_CSV}},
        .start_parquet = refuse_parquet,
        .meet = meet,
        .read = answer_piece,
        .new_result = new_result,
        .free_result = free_result};
    struct rows_pieces *pieces = rows_pieces_open(files, &reader, 0);
    bool written = write_answers(pieces, out, error);
    rows_pieces_close(pieces);
    g_ptr_array_unref(answers.headers);
    return written;
}
