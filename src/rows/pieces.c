/* Pieces on their way: a ring of places. Whoever is free takes the next place, and, alone, lets the
 * source fill it; then reads it, while another fills the next. The caller takes them in order. So
 * reading a disk, or unpacking gzip, and parsing go on at once, and nothing is further ahead than
 * the ring is long.
 *
 * The first piece is read by the caller himself: most inputs are a single one, which needs no
 * threads. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "rows/rows_inside.h"

enum {
    THREADS_MOST = 64,
    PIECE = 512 * 1024, /* half of a core's second-level cache */
};

struct place {
    struct rows_piece piece;
    struct rows_buffer buffer;
    GError *error; /* of the source: there is no piece */
    bool ended;    /* the same without an error: the end */
    bool failed;   /* to be read */
    bool done;
};

/* Where pieces come from. Whoever fills a place has it for himself. */
struct source {
    const GPtrArray *files;
    size_t next_file;
    const struct rows_file *file; /* NULL: none is open */
    struct rows_text *text;       /* of it; or */
    struct parquet *parquet;      /* of all such files, once there was one */
    bool in_parquet;
    bool first;
    const void *context;
    struct rows_cut cut; /* the delimiter 0 until a piece has shown it */
};

struct rows_pieces {
    struct rows_reader reader;
    struct source source;
    struct place *places;
    size_t place_count;
    size_t wanted_threads;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t filled, taken; /* pieces so far */
    bool filling;         /* somebody is */
    bool ended;           /* nothing is to be filled any more */
    pthread_t threads[THREADS_MOST];
    size_t thread_count;
    bool started, over;

    /* The caller's: of the file of the last piece. */
    const struct rows_file *file;
    size_t lines, rows;
    size_t faulty;
};

/* ---- the source ---- */

/* By its first bytes: what SQL engines write often has no suffix. */
static bool is_parquet(const char *path)
{
    char magic[4] = "";
    FILE *file = strcmp(path, "-") == 0 ? NULL : fopen(path, "rb");
    bool found = file && fread(magic, 1, 4, file) == 4 && memcmp(magic, "PAR1", 4) == 0;
    if (file)
        fclose(file);
    return found;
}

static void close_file(struct source *source)
{
    g_clear_pointer(&source->text, rows_text_close);
    source->in_parquet = false;
    source->file = NULL;
}

static bool open_parquet(struct source *source, const struct rows_reader *reader,
                         struct rows_piece *piece, GError **error)
{
    if (!source->parquet && !(source->parquet = parquet_open(error)))
        return false;
    source->in_parquet = true;
    return reader->start_parquet(reader->state, source->parquet, piece, error);
}

static bool open_file(struct source *source, const struct rows_reader *reader,
                      struct rows_piece *piece, GError **error)
{
    source->file = source->files->pdata[source->next_file++];
    source->first = true;
    source->context = NULL;
    piece->file = source->file;
    piece->context = NULL;
    if (reader->cut.format == ROWS_PARQUET ||
        (reader->cut.format == ROWS_CSV && is_parquet(source->file->path))) {
        bool opened = open_parquet(source, reader, piece, error);
        source->context = piece->context;
        return opened;
    }
    source->text = rows_text_open(source->file, &source->cut, error);
    return source->text != NULL;
}

/* The next piece of the file that is open; the place stays empty at its end. */
static bool fill_from_file(struct source *source, struct place *place, GError **error)
{
    if (source->in_parquet)
        return parquet_next(source->parquet, &place->piece.chunk, error);
    if (!rows_text_next(source->text, &place->buffer, error))
        return false;
    place->piece.text = place->buffer.bytes;
    place->piece.size = place->buffer.size;
    return true;
}

static bool meet(struct source *source, const struct rows_reader *reader, struct rows_piece *piece,
                 GError **error)
{
    struct lathe_error cause;
    if (reader->meet && !reader->meet(reader->state, piece, &cause))
        return error_set_lathe(error, ERROR_VALIDATION, &cause);
    source->context = piece->context;
    source->cut.dialect.delimiter = piece->shape.delimiter;
    source->first = false;
    return true;
}

/* Fills a place with the next piece; ended where there is none. */
static bool fill_place(struct source *source, const struct rows_reader *reader, struct place *place,
                       GError **error)
{
    struct rows_piece *piece = &place->piece;
    for (;;) {
        if (!source->file && source->next_file == source->files->len) {
            place->ended = true;
            return true;
        }
        piece->number = source->next_file - (source->file ? 1 : 0);
        if ((!source->file && !open_file(source, reader, piece, error)) ||
            !fill_from_file(source, place, error))
            return false;
        if (piece->chunk || piece->size)
            break;
        close_file(source);
    }
    piece->file = source->file;
    piece->first = source->first;
    piece->context = source->context;
    piece->first_line = piece->first_row = 1;
    return meet(source, reader, piece, error);
}

/* Whether it is known that there is nothing more. */
static bool is_over(const struct source *source)
{
    return source->next_file == source->files->len && source->text && rows_text_ended(source->text);
}

/* ---- the ring ---- */

static void empty_place(struct place *place)
{
    parquet_chunk_free(place->piece.chunk);
    place->piece = (struct rows_piece){.result = place->piece.result};
    place->ended = place->failed = place->done = false;
}

static bool may_fill(const struct rows_pieces *pieces)
{
    return !pieces->filling && pieces->filled - pieces->taken < pieces->place_count;
}

/* Fills the next place and reads it. With the lock, which it gives up in between. */
static void work(struct rows_pieces *pieces)
{
    const struct rows_reader *reader = &pieces->reader;
    struct place *place = &pieces->places[pieces->filled % pieces->place_count];
    pieces->filling = true;
    pthread_mutex_unlock(&pieces->lock);
    empty_place(place);
    bool filled = fill_place(&pieces->source, reader, place, &place->error) && !place->ended;
    pthread_mutex_lock(&pieces->lock);
    pieces->filling = false;
    pieces->filled++;
    pieces->ended = pieces->ended || !filled;
    pthread_cond_broadcast(&pieces->changed);
    if (filled) {
        pthread_mutex_unlock(&pieces->lock);
        struct lathe_error unplaced;
        if (!place->piece.result && reader->new_result)
            place->piece.result = reader->new_result(reader->state);
        place->failed = !reader->read(reader->state, &place->piece, &unplaced);
        pthread_mutex_lock(&pieces->lock);
    }
    place->done = true;
    pthread_cond_broadcast(&pieces->changed);
}

static void *run_pieces(void *of)
{
    struct rows_pieces *pieces = of;
    pthread_mutex_lock(&pieces->lock);
    while (!pieces->ended) {
        if (may_fill(pieces))
            work(pieces);
        else
            pthread_cond_wait(&pieces->changed, &pieces->lock);
    }
    pthread_mutex_unlock(&pieces->lock);
    return NULL;
}

struct rows_pieces *rows_pieces_open(const GPtrArray *files, const struct rows_reader *reader,
                                     unsigned threads)
{
    return rows_pieces_open_from(files, 0, reader, threads);
}

struct rows_pieces *rows_pieces_open_from(const GPtrArray *files, size_t from,
                                          const struct rows_reader *reader, unsigned threads)
{
    struct rows_pieces *pieces = g_new0(struct rows_pieces, 1);
    pieces->reader = *reader;
    pieces->source = (struct source){.files = files, .next_file = from, .cut = reader->cut};
    if (!pieces->source.cut.piece)
        pieces->source.cut.piece = PIECE;
    pieces->wanted_threads = threads ? threads : g_get_num_processors();
    pieces->wanted_threads = MIN(pieces->wanted_threads, THREADS_MOST);
    pieces->place_count = pieces->wanted_threads + 2; /* one more is with the caller, one waits */
    pieces->places = g_new0(struct place, pieces->place_count);
    pthread_mutex_init(&pieces->lock, NULL);
    pthread_cond_init(&pieces->changed, NULL);
    return pieces;
}

/* With the lock. Without threads the caller does their work. */
static void start_threads(struct rows_pieces *pieces)
{
    pieces->started = true;
    while (pieces->thread_count < pieces->wanted_threads &&
           pthread_create(&pieces->threads[pieces->thread_count], NULL, run_pieces, pieces) == 0)
        pieces->thread_count++;
}

void rows_pieces_close(struct rows_pieces *pieces)
{
    if (!pieces)
        return;
    pthread_mutex_lock(&pieces->lock);
    pieces->ended = true;
    pthread_cond_broadcast(&pieces->changed);
    pthread_mutex_unlock(&pieces->lock);
    for (size_t i = 0; i < pieces->thread_count; i++)
        pthread_join(pieces->threads[i], NULL);
    for (size_t i = 0; i < pieces->place_count; i++) {
        struct place *place = &pieces->places[i];
        empty_place(place);
        if (place->piece.result)
            pieces->reader.free_result(place->piece.result);
        g_clear_error(&place->error);
        free(place->buffer.bytes);
    }
    close_file(&pieces->source);
    parquet_close(pieces->source.parquet);
    pthread_mutex_destroy(&pieces->lock);
    pthread_cond_destroy(&pieces->changed);
    g_free(pieces->places);
    g_free(pieces);
}

/* ---- the caller ---- */

/* The next place, done; the one before is given back. */
static struct place *take_place(struct rows_pieces *pieces)
{
    pthread_mutex_lock(&pieces->lock);
    struct place *place = &pieces->places[pieces->taken % pieces->place_count];
    if (!pieces->started && pieces->taken && !is_over(&pieces->source))
        start_threads(pieces);
    if (pieces->taken == pieces->filled && !pieces->thread_count)
        work(pieces);
    while (pieces->taken == pieces->filled || !place->done)
        pthread_cond_wait(&pieces->changed, &pieces->lock);
    pthread_mutex_unlock(&pieces->lock);
    return place;
}

static void give_back(struct rows_pieces *pieces)
{
    pthread_mutex_lock(&pieces->lock);
    pieces->taken++;
    pthread_cond_broadcast(&pieces->changed);
    pthread_mutex_unlock(&pieces->lock);
}

/* Where the piece is in its file: behind those before, whose lines and rows are known now. */
static void set_place(struct rows_pieces *pieces, struct rows_piece *piece)
{
    if (piece->file != pieces->file)
        pieces->lines = pieces->rows = 0;
    pieces->file = piece->file;
    piece->first_line += pieces->lines;
    piece->first_row += pieces->rows;
}

static bool fail_piece(struct rows_pieces *pieces, struct rows_piece *piece, GError **error)
{
    struct lathe_error cause = {.message = "the rows changed while they were read"};
    pieces->reader.read(pieces->reader.state, piece, &cause);
    return error_set_lathe(error, ERROR_VALIDATION, &cause);
}

bool rows_pieces_next(struct rows_pieces *pieces, struct rows_piece **next, GError **error)
{
    *next = NULL;
    if (pieces->over)
        return true;
    if (pieces->file)
        give_back(pieces);
    pieces->over = true; /* unless there is a piece */
    struct place *place = take_place(pieces);
    struct rows_piece *piece = &place->piece;
    if (place->ended)
        return true;
    if (place->error) {
        g_propagate_error(error, g_steal_pointer(&place->error));
        pieces->faulty = piece->number;
        return false;
    }
    set_place(pieces, piece);
    pieces->faulty = piece->number;
    if (place->failed)
        return fail_piece(pieces, piece, error);
    if (piece->text) /* a header that was taken off counts with the line that follows */
        pieces->lines = piece->first_line - 1 +
                        rows_text_lines(pieces->reader.cut.format, piece->text, piece->size);
    pieces->rows += piece->rows;
    pieces->over = false;
    *next = piece;
    return true;
}

size_t rows_pieces_faulty(const struct rows_pieces *pieces)
{
    return pieces->faulty;
}
