/* Rows through a predictor, from a file or a pipe: read in pieces of whole rows, a piece a core at
 * a time, written in order. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "cli/cli.h"
#include "csv/reader.h"
#include "lathe.h"
#include "parse/number.h"

enum {
    PIECE = 4 << 20,       /* bytes of rows that a core takes at once */
    LONGEST_ROW = 64 << 20 /* bytes: what has no end by then is no row */
};

struct piece {
    const struct lathe_predictor *predictor;
    enum lathe_format format;
    GByteArray *rows; /* the header, where there is one, then whole rows */
    struct lathe_text answer;
    struct lathe_error error;
    bool answered;
};

/* What is read, and what of it is left over for the next piece. */
struct source {
    int file;
    const char *name;
    bool ended;
    GByteArray *header, *rest;
    size_t lines;   /* in the pieces before */
    size_t skipped; /* lines of a header that no piece has */
};

static bool is_name(const struct csv_text *field, const char *name)
{
    return strlen(name) == field->size && memcmp(field->bytes, name, field->size) == 0;
}

static bool has_name(const struct csv_text *fields, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (is_name(&fields[i], name))
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

/* Appends what comes next to the bytes; false after an error. */
static bool read_more(struct source *source, GByteArray *bytes, size_t room, GError **error)
{
    guint used = bytes->len;
    g_byte_array_set_size(bytes, used + (guint)room);
    while (used < bytes->len && !source->ended) {
        ssize_t got = read(source->file, bytes->data + used, bytes->len - used);
        if (got < 0 && errno != EINTR)
            return error_set(error, ERROR_INTERNAL, "%s cannot be read: %s", source->name,
                             g_strerror(errno));
        source->ended = got == 0;
        used += got > 0 ? (guint)got : 0;
    }
    g_byte_array_set_size(bytes, used);
    return true;
}

/* Fills a piece with whole rows; it stays empty at the end. */
static bool fill(struct source *source, struct piece *piece, GError **error)
{
    GByteArray *rows = piece->rows;
    size_t header = source->header->len, whole = 0;
    g_byte_array_set_size(rows, 0);
    g_byte_array_append(rows, source->header->data, source->header->len);
    g_byte_array_append(rows, source->rest->data, source->rest->len);
    g_byte_array_set_size(source->rest, 0);
    while (!whole && !source->ended) {
        if (!read_more(source, rows, PIECE, error))
            return false;
        whole = csv_whole_records((const char *)rows->data + header, rows->len - header, NULL);
        if (!whole && rows->len > LONGEST_ROW)
            return error_set(error, ERROR_VALIDATION, "%s: a row of more than %d bytes",
                             source->name, LONGEST_ROW);
    }
    if (source->ended)
        return true; /* the last row may lack its line end */
    g_byte_array_append(source->rest, rows->data + header + whole,
                        (guint)(rows->len - header - whole));
    g_byte_array_set_size(rows, (guint)(header + whole));
    return true;
}

static void *answer_piece(void *of)
{
    struct piece *piece = of;
    piece->answered =
        lathe_predict_text(piece->predictor, piece->format, (const char *)piece->rows->data,
                           piece->rows->len, LATHE_CSV_TABLE, &piece->answer, &piece->error);
    return NULL;
}

static void answer_pieces(struct piece *pieces, size_t count)
{
    g_autofree pthread_t *threads = g_new0(pthread_t, count);
    g_autofree bool *started = g_new0(bool, count);
    for (size_t i = 1; i < count; i++)
        started[i] = pthread_create(&threads[i], NULL, answer_piece, &pieces[i]) == 0;
    answer_piece(&pieces[0]);
    for (size_t i = 1; i < count; i++) {
        if (started[i])
            pthread_join(threads[i], NULL);
        else
            answer_piece(&pieces[i]);
    }
}

static size_t count_lines(const guint8 *text, size_t size)
{
    size_t lines = 0;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

/* Errors count lines and rows from the piece's first; the user counts from the file's. */
static bool fail_piece(const struct source *source, const struct piece *piece, GError **error)
{
    char word[8];
    size_t number;
    int used = 0;
    if (sscanf(piece->error.message, "%4s %zu%n", word, &number, &used) == 2 && used &&
        (strcmp(word, "line") == 0 || strcmp(word, "row") == 0)) {
        size_t before = source->lines + (*word == 'l' ? source->skipped : 0);
        return error_set(error, ERROR_VALIDATION, "%s: %s %zu%s", source->name, word,
                         number + before, piece->error.message + used);
    }
    return error_set(error, ERROR_VALIDATION, "%s: %s", source->name, piece->error.message);
}

static bool write_piece(struct source *source, struct piece *piece, GError **error)
{
    if (!piece->answered)
        return fail_piece(source, piece, error);
    size_t header = source->header->len;
    source->lines += count_lines(piece->rows->data + header, piece->rows->len - header);
    return file_write_all(STDOUT_FILENO, piece->answer.bytes, piece->answer.size, error);
}

/* One round: as many pieces as there are cores. */
static bool predict_round(struct source *source, struct piece *pieces, size_t most, GError **error)
{
    size_t filled = 0;
    while (filled < most && !source->ended) {
        if (!fill(source, &pieces[filled], error))
            return false;
        filled += pieces[filled].rows->len > source->header->len;
    }
    if (!filled)
        return true;
    answer_pieces(pieces, filled);
    for (size_t i = 0; i < filled; i++)
        if (!write_piece(source, &pieces[i], error))
            return false;
    return true;
}

static bool predict_all(const struct lathe_predictor *predictor, struct source *source,
                        GError **error)
{
    if (!read_more(source, source->rest, PIECE, error))
        return false;
    size_t header = find_header(predictor, (const char *)source->rest->data, source->rest->len);
    if (has_names(predictor))
        g_byte_array_append(source->header, source->rest->data, (guint)header);
    else /* a header that names nothing the predictor knows */
        source->skipped = count_lines(source->rest->data, header);
    g_byte_array_remove_range(source->rest, 0, (guint)header);
    bool more = source->rest->len > 0;
    size_t cores = g_get_num_processors();
    g_autofree struct piece *pieces = g_new0(struct piece, cores);
    for (size_t i = 0; i < cores; i++) {
        pieces[i].predictor = predictor;
        pieces[i].format = source->header->len ? LATHE_CSV_HEADER : LATHE_CSV;
        pieces[i].rows = g_byte_array_new();
    }
    /* What was read in advance is a piece even where nothing follows it. */
    bool done = true;
    if (source->ended && more) {
        g_byte_array_append(pieces[0].rows, source->header->data, source->header->len);
        g_byte_array_append(pieces[0].rows, source->rest->data, source->rest->len);
        answer_pieces(pieces, 1);
        done = write_piece(source, &pieces[0], error);
    }
    while (done && !source->ended)
        done = predict_round(source, pieces, cores, error);
    for (size_t i = 0; i < cores; i++) {
        g_byte_array_unref(pieces[i].rows);
        lathe_text_clear(&pieces[i].answer);
    }
    return done;
}

/* Whether the last argument is rows and not an artifact: "-", or text that is no JSON. */
static bool is_rows(const char *path)
{
    if (strcmp(path, "-") == 0)
        return true;
    unsigned char start[512];
    FILE *file = g_file_test(path, G_FILE_TEST_IS_REGULAR) ? fopen(path, "rb") : NULL;
    size_t size = file ? fread(start, 1, sizeof start, file) : 0;
    if (file)
        fclose(file);
    for (size_t i = 0; i < size; i++)
        if (start[i] < ' ' && !strchr("\t\r\n", start[i]))
            return false;
    return size && start[0] != '{' && !g_str_has_suffix(path, ".json");
}

static bool predict(const struct lathe_predictor *predictor, const char *path, GError **error)
{
    bool input = !path || strcmp(path, "-") == 0;
    struct source source = {.name = input ? "standard input" : path};
    source.file = input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    if (source.file < 0)
        return error_set(error, ERROR_VALIDATION, "%s cannot be opened: %s", path,
                         g_strerror(errno));
    source.header = g_byte_array_new();
    source.rest = g_byte_array_new();
    bool done = predict_all(predictor, &source, error);
    g_byte_array_unref(source.header);
    g_byte_array_unref(source.rest);
    if (!input)
        close(source.file);
    return done;
}

int cli_predict(int argc, char **argv)
{
    if (!cli_options(&argc, &argv, NULL))
        return CLI_USAGE;
    const char *rows = argc > 2 && is_rows(argv[argc - 1]) ? argv[argc - 1] : NULL;
    size_t artifacts = (size_t)argc - 1 - (rows != NULL);
    if (!artifacts) {
        fprintf(stderr, "lathe predict: an artifact is needed: a model file, a model.tar.gz or a "
                        "bundle\n");
        return CLI_USAGE;
    }
    struct lathe_error cause;
    struct lathe_predictor *predictor =
        lathe_predictor_open_files((const char *const *)argv + 1, artifacts, &cause);
    GError *error = NULL;
    bool done = predictor ? predict(predictor, rows, &error)
                          : error_set(&error, ERROR_VALIDATION, "%s", cause.message);
    lathe_predictor_close(predictor);
    return done ? CLI_OK : cli_error(error);
}
