#include "lake/layout.h"

#include <string.h>

#include "base/error.h"

/* Lives while a part of the upload is being received or the upload is being completed; between
 * those, the upload's row says it all. Under the lake's lock. */
struct layout {
    char *upload;
    char *file;
    gint64 part_size;    /* 0: no part has come yet */
    GHashTable *writing; /* number of a part that is being written to its place -> the file */
    bool closed;
    unsigned users;
};

struct look {
    const char *upload;
    int number;
    char *file;
    gint64 part_size;
    bool part_is_there;
};

static bool look(struct store_connection *connection, void *data, GError **error)
{
    struct look *look = data;
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT file, part_size, EXISTS (SELECT 1 FROM lake_part "
                  "WHERE upload = id AND number = ?2) FROM lake_upload WHERE id = ?1",
                  "si", look->upload, (gint64)look->number);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW) {
        look->file = store_text_copy(row, 0);
        look->part_size = store_int(row, 1);
        look->part_is_there = store_int(row, 2);
    }
    store_end(row);
    return step == STORE_ROW ||
           (step == STORE_END &&
            error_set(error, ERROR_NO_SUCH_UPLOAD,
                      "The specified upload does not exist: %s; it may have been aborted or "
                      "completed",
                      look->upload));
}

/* The upload's layout, one more user of it; the lock is held. The row is read under the lock too:
 * who finished a part a moment ago has left after its row was there. */
static struct layout *use(struct lake *lake, const char *upload, int number, bool *part_is_there,
                          GError **error)
{
    struct look found = {upload, number, NULL, 0, false};
    if (!store_read(lake->store, look, &found, error))
        return NULL;
    *part_is_there = found.part_is_there;
    struct layout *layout = g_hash_table_lookup(lake->layouts, upload);
    if (layout) {
        g_free(found.file);
    } else {
        layout = g_new0(struct layout, 1);
        layout->upload = g_strdup(upload);
        layout->file = found.file;
        layout->part_size = found.part_size;
        layout->writing = g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
        g_hash_table_insert(lake->layouts, layout->upload, layout);
    }
    layout->users++;
    return layout;
}

static void drop(struct lake *lake, struct layout *layout)
{
    if (--layout->users)
        return;
    g_hash_table_remove(lake->layouts, layout->upload);
    g_hash_table_unref(layout->writing);
    g_free(layout->upload);
    g_free(layout->file);
    g_free(layout);
}

/* Whether the part has a free place of its own in the upload's file. The first part to come says
 * how far parts are apart; if that was the short last one, a longer one corrects it: a new file,
 * and what is in the old one is moved by completing. */
static bool find_place(struct lake *lake, struct layout *layout, int number, gint64 length,
                       gint64 *offset)
{
    if (layout->closed || length <= 0 ||
        g_hash_table_contains(layout->writing, GINT_TO_POINTER(number)))
        return false;
    gint64 part_size = MAX(layout->part_size, length);
    if (part_size * (number - 1) + length > LAKE_OBJECT_LIMIT)
        return false;
    if (layout->part_size && layout->part_size < part_size) {
        g_free(layout->file);
        layout->file = lake_new_id(lake);
    }
    layout->part_size = part_size;
    *offset = part_size * (number - 1);
    return true;
}

struct layout *layout_enter(struct lake *lake, const char *upload, int number, gint64 length,
                            struct lake_place *place, char **id, GError **error)
{
    bool part_is_there;
    pthread_mutex_lock(&lake->lock);
    struct layout *layout = use(lake, upload, number, &part_is_there, error);
    if (layout) {
        gint64 offset = 0;
        bool shared = !part_is_there && find_place(lake, layout, number, length, &offset);
        if (shared)
            g_hash_table_insert(layout->writing, GINT_TO_POINTER(number), g_strdup(layout->file));
        *id = shared ? g_strdup(layout->file) : lake_new_id(lake);
        *place = (struct lake_place){*id, offset, shared};
    }
    pthread_mutex_unlock(&lake->lock);
    return layout;
}

/* Whether the upload was completed or aborted, as far as the store can tell. */
static bool is_over(struct lake *lake, const char *upload)
{
    struct look found = {upload, 0, NULL, 0, false};
    g_autoptr(GError) error = NULL;
    bool over = !store_read(lake->store, look, &found, &error) &&
                g_error_matches(error, LATHE_ERROR, ERROR_NO_SUCH_UPLOAD);
    g_free(found.file);
    return over;
}

void layout_leave(struct lake *lake, struct layout *layout, int number, bool shared, bool committed)
{
    g_autofree char *upload = g_strdup(layout->upload);
    gpointer file = NULL;
    pthread_mutex_lock(&lake->lock);
    if (shared)
        g_hash_table_steal_extended(layout->writing, GINT_TO_POINTER(number), NULL, &file);
    drop(lake, layout);
    pthread_mutex_unlock(&lake->lock);
    /* The part may have made the file anew after the upload's end had removed it. */
    if (file && !committed && is_over(lake, upload))
        lake_remove_id(lake, file);
    g_free(file);
}

static bool writes_to(const struct layout *layout, const char *file)
{
    GHashTableIter iter;
    gpointer written;
    g_hash_table_iter_init(&iter, layout->writing);
    while (g_hash_table_iter_next(&iter, NULL, &written))
        if (strcmp(written, file) == 0)
            return true;
    return false;
}

bool layout_is_written(struct lake *lake, const char *file)
{
    bool written = false;
    pthread_mutex_lock(&lake->lock);
    GHashTableIter iter;
    gpointer layout;
    g_hash_table_iter_init(&iter, lake->layouts);
    while (!written && g_hash_table_iter_next(&iter, NULL, &layout))
        written = writes_to(layout, file);
    pthread_mutex_unlock(&lake->lock);
    return written;
}

char *layout_file(struct lake *lake, const struct layout *layout, gint64 *part_size)
{
    pthread_mutex_lock(&lake->lock);
    char *file = g_strdup(layout->file);
    *part_size = layout->part_size;
    pthread_mutex_unlock(&lake->lock);
    return file;
}

struct layout *layout_close(struct lake *lake, const char *upload, bool *quiet, GError **error)
{
    bool part_is_there;
    pthread_mutex_lock(&lake->lock);
    struct layout *layout = use(lake, upload, 0, &part_is_there, error);
    *quiet = layout && !layout->closed && g_hash_table_size(layout->writing) == 0;
    if (*quiet)
        layout->closed = true;
    pthread_mutex_unlock(&lake->lock);
    return layout;
}

void layout_open(struct lake *lake, struct layout *layout, bool quiet)
{
    pthread_mutex_lock(&lake->lock);
    if (quiet)
        layout->closed = false;
    drop(lake, layout);
    pthread_mutex_unlock(&lake->lock);
}
