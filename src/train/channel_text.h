/* channel_text.h: a text file, plain or gzip, as stretches of whole lines, in bounded memory. */
#ifndef LATHE_TRAIN_CHANNEL_TEXT_H
#define LATHE_TRAIN_CHANNEL_TEXT_H

#include <glib.h>
#include <stdbool.h>

#include "lathe.h"

/* Who takes the lines. append keeps the rows of a stretch; check reads a text that append refused a
 * part of from its first line on and keeps nothing: it is asked only for the error. */
struct line_taker {
    bool (*append)(void *state, const char *name, const char *text, size_t size,
                   struct lathe_error *error);
    bool (*check)(void *state, const char *name, const char *text, size_t size,
                  struct lathe_error *error);
    void *state;
    const char *name; /* the file's, for errors */
    size_t stretch;   /* bytes at a time; longer lines come whole all the same */
};

/* Reads the file to its end. gzip is told by its first bytes, whatever the file's name. */
bool channel_text_read(const char *path, const struct line_taker *taker, GError **error);

#endif
