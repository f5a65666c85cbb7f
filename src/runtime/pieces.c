#include "runtime/pieces.h"

#include <string.h>
#include <zlib.h>

#include "base/error.h"

/* Half of a core's second-level cache. A record that is longer makes the buffer grow. */
enum { PIECE = 512 * 1024 };

struct pieces {
    char *path;
    struct csv_dialect dialect;
    gzFile file; /* zlib reads files that are not gzip as they are */
    char *text;
    size_t room, filled;
    size_t given; /* bytes at the front that the last piece took */
    bool ended;
};

struct pieces *pieces_open(const char *path, const struct csv_dialect *dialect, GError **error)
{
    gzFile file = gzopen(path, "rb");
    if (!file) {
        error_set(error, ERROR_INTERNAL, "%s cannot be opened", path);
        return NULL;
    }
    gzbuffer(file, PIECE);
    struct pieces *pieces = g_new0(struct pieces, 1);
    pieces->path = g_strdup(path);
    pieces->dialect = *dialect;
    pieces->file = file;
    pieces->room = PIECE;
    pieces->text = g_malloc(PIECE);
    return pieces;
}

void pieces_close(struct pieces *pieces)
{
    if (!pieces)
        return;
    gzclose(pieces->file);
    g_free(pieces->path);
    g_free(pieces->text);
    g_free(pieces);
}

/* gzread reports a cut archive only by its code. */
static bool fill(struct pieces *pieces, GError **error)
{
    if (pieces->filled == pieces->room) {
        pieces->room *= 2;
        pieces->text = g_realloc(pieces->text, pieces->room);
    }
    size_t left = pieces->room - pieces->filled;
    int n = gzread(pieces->file, pieces->text + pieces->filled, (unsigned)MIN(left, 1u << 30));
    if (n > 0) {
        pieces->filled += (size_t)n;
        return true;
    }
    pieces->ended = true;
    int code = Z_OK;
    const char *why = gzerror(pieces->file, &code);
    if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        return error_set(error, ERROR_VALIDATION, "reading %s: %s", pieces->path, why);
    return true;
}

bool pieces_next(struct pieces *pieces, const char **at, const char **end, GError **error)
{
    pieces->filled -= pieces->given;
    memmove(pieces->text, pieces->text + pieces->given, pieces->filled);
    pieces->given = 0;
    while (!pieces->given && !pieces->ended) {
        if (!fill(pieces, error))
            return false;
        pieces->given = csv_whole_records(pieces->text, pieces->filled, &pieces->dialect);
    }
    if (pieces->ended)
        pieces->given = pieces->filled;
    *at = pieces->text;
    *end = pieces->text + pieces->given;
    return true;
}
