#include "lake/orphans.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/file.h"
#include "lake/layout.h"

enum {
    ID_LENGTH = 32,
    RUN_LENGTH = 8,
    LOOKED_UP_TOGETHER = 256, /* files that one snapshot of the store is asked about */
    DAYS_ASIDE = 7,
};

/* ---- what the store knows of files ---- */

struct suspect {
    char *id;
    bool named; /* by a row */
    bool owned; /* its id was given out by this database */
};

static void free_suspect(void *suspect)
{
    g_free(((struct suspect *)suspect)->id);
    g_free(suspect);
}

static bool look_up_one(struct store_connection *connection, struct suspect *suspect,
                        GError **error)
{
    struct store_rows *row =
        store_ask(connection, error,
                  "SELECT EXISTS (SELECT 1 FROM lake_object WHERE file = ?1 AND row IS NULL) "
                  "OR EXISTS (SELECT 1 FROM lake_version WHERE file = ?1 AND row IS NULL "
                  "AND NOT marker) "
                  "OR EXISTS (SELECT 1 FROM lake_upload WHERE file = ?1) "
                  "OR EXISTS (SELECT 1 FROM lake_part WHERE file = ?1), "
                  "EXISTS (SELECT 1 FROM lake_run WHERE run = ?2)",
                  "ss", suspect->id, suspect->id + ID_LENGTH - RUN_LENGTH);
    enum store_step step = store_next(row, error);
    if (step == STORE_ROW) {
        suspect->named = store_int(row, 0);
        suspect->owned = store_int(row, 1);
    }
    store_end(row);
    return step == STORE_ROW;
}

static bool look_up(struct store_connection *connection, void *data, GError **error)
{
    GPtrArray *suspects = data;
    for (guint i = 0; i < suspects->len; i++)
        if (!look_up_one(connection, g_ptr_array_index(suspects, i), error))
            return false;
    return true;
}

static bool is_id(const char *name)
{
    return strlen(name) == ID_LENGTH && strspn(name, "0123456789abcdef") == ID_LENGTH;
}

/* The next files of a folder that are no work of this run, looked up; empty at its end. */
static GPtrArray *next_suspects(struct lake *lake, GDir *folder, GError **error)
{
    g_autoptr(GPtrArray) suspects = g_ptr_array_new_with_free_func(free_suspect);
    const char *name;
    while (suspects->len < LOOKED_UP_TOGETHER && (name = g_dir_read_name(folder))) {
        if (!is_id(name) || g_str_has_suffix(name, lake->run))
            continue;
        struct suspect *suspect = g_new0(struct suspect, 1);
        suspect->id = g_strdup(name);
        g_ptr_array_add(suspects, suspect);
    }
    if (suspects->len && !store_read(lake->store, look_up, suspects, error))
        return NULL;
    return g_steal_pointer(&suspects);
}

/* Calls `each` for the files of a folder, until it or a look-up fails. */
static bool each_suspect(struct lake *lake, const char *path,
                         bool (*each)(struct lake *lake, const char *path,
                                      const struct suspect *suspect, void *data, GError **error),
                         void *data, GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, NULL);
    bool more = folder != NULL;
    while (more) {
        g_autoptr(GPtrArray) suspects = next_suspects(lake, folder, error);
        if (!suspects)
            return false;
        for (guint i = 0; i < suspects->len; i++)
            if (!each(lake, path, g_ptr_array_index(suspects, i), data, error))
                return false;
        more = suspects->len > 0;
    }
    return true;
}

/* ---- aside ---- */

static char *aside_of(const char *folder)
{
    return g_build_filename(folder, LAKE_ASIDE, NULL);
}

/* The folders of days below aside: their names. */
static GPtrArray *days_of(const char *folder)
{
    GPtrArray *days = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *aside = aside_of(folder);
    g_autoptr(GDir) entries = g_dir_open(aside, 0, NULL);
    const char *name;
    while (entries && (name = g_dir_read_name(entries)))
        g_ptr_array_add(days, g_strdup(name));
    return days;
}

static bool put_back(struct lake *lake, const char *path, const struct suspect *suspect, void *data,
                     GError **error)
{
    (void)data;
    if (!suspect->named)
        return true;
    g_autofree char *from = g_build_filename(path, suspect->id, NULL);
    g_autofree char *to = lake_path(lake, suspect->id);
    return rename(from, to) == 0 || error_set_errno(error, errno, "moving %s to %s", from, to);
}

bool orphans_put_back(struct lake *lake, GError **error)
{
    g_autoptr(GPtrArray) days = days_of(lake->folder);
    for (guint i = 0; i < days->len; i++) {
        g_autofree char *path =
            g_build_filename(lake->folder, LAKE_ASIDE, g_ptr_array_index(days, i), NULL);
        if (!each_suspect(lake, path, put_back, NULL, error))
            return false;
    }
    return true;
}

static bool drop(struct lake *lake, const char *path, const struct suspect *suspect, void *data,
                 GError **error)
{
    (void)lake;
    (void)data;
    (void)error;
    g_autofree char *file = g_build_filename(path, suspect->id, NULL);
    if (suspect->owned && !suspect->named)
        unlink(file);
    return true;
}

/* Whether all that was moved aside on a day (2026-11-20) has lain there long enough. */
static bool is_over(const char *day, double now)
{
    double begin;
    g_autofree char *time = g_strconcat(day, "T00:00:00Z", NULL);
    return strlen(day) == strlen("2026-11-20") && clock_parse(time, &begin) &&
           now - begin > (DAYS_ASIDE + 1) * 86400.0;
}

static bool drop_old(struct lake *lake, double now, GError **error)
{
    g_autoptr(GPtrArray) days = days_of(lake->folder);
    for (guint i = 0; i < days->len; i++) {
        if (!is_over(g_ptr_array_index(days, i), now))
            continue;
        g_autofree char *path =
            g_build_filename(lake->folder, LAKE_ASIDE, g_ptr_array_index(days, i), NULL);
        if (!each_suspect(lake, path, drop, NULL, error))
            return false;
        rmdir(path); /* stays where something in it is not ours */
    }
    return true;
}

void orphans_drop_old(struct lake *lake, double now)
{
    g_autoptr(GError) error = NULL;
    if (!drop_old(lake, now, &error))
        g_warning("removing what lies aside in the lake: %s", error->message);
}

/* ---- collecting ---- */

struct collection {
    char *today; /* the folder that files are moved to; NULL until there is one */
    guint strangers;
};

static bool make_today(const struct lake *lake, struct collection *collection, GError **error)
{
    if (collection->today)
        return true;
    g_autofree char *time = clock_iso(clock_now());
    g_autofree char *day = g_strndup(time, strlen("2026-11-20"));
    g_autofree char *path = g_build_filename(lake->folder, LAKE_ASIDE, day, NULL);
    if (!file_make_folders(path, error))
        return false;
    collection->today = g_steal_pointer(&path);
    return true;
}

/* A part of an upload that began in an earlier run may be on its way to the file, and be committed
 * after the file was looked up. Once it is neither named nor written to, it never will be. */
static bool is_abandoned(struct lake *lake, const char *id, bool *abandoned, GError **error)
{
    struct suspect again = {(char *)id, false, false};
    GPtrArray one = {(gpointer[]){&again}, 1};
    *abandoned = !layout_is_written(lake, id);
    if (*abandoned && !store_read(lake->store, look_up, &one, error))
        return false;
    *abandoned &= !again.named;
    return true;
}

static bool collect_one(struct lake *lake, const char *path, const struct suspect *suspect,
                        void *data, GError **error)
{
    struct collection *collection = data;
    if (lake->closing)
        return false;
    if (!suspect->owned)
        collection->strangers += !suspect->named;
    bool orphan = !suspect->named && suspect->owned;
    if (orphan && !is_abandoned(lake, suspect->id, &orphan, error))
        return false;
    if (!orphan)
        return true;
    if (!make_today(lake, collection, error))
        return false;
    g_autofree char *from = g_build_filename(path, suspect->id, NULL);
    g_autofree char *to = g_build_filename(collection->today, suspect->id, NULL);
    return rename(from, to) == 0 || errno == ENOENT ||
           error_set_errno(error, errno, "moving %s to %s", from, to);
}

/* Files of this run are somebody's work, named by a row now or soon. A file of an earlier run of
 * this database without a row is what a crash left, unless the database is older than the file;
 * therefore it is not removed at once. */
void orphans_collect(void *data)
{
    struct lake *lake = data;
    g_autoptr(GError) error = NULL;
    struct collection collection = {NULL, 0};
    if (!each_suspect(lake, lake->folder, collect_one, &collection, &error) &&
        error) /* else the lake is being closed */
        g_warning("looking for files of the lake that no object names: %s", error->message);
    if (collection.strangers)
        g_warning("%s holds %u files that no object names and that this meta.db never knew: an "
                  "older copy of it was put back? They are left where they are",
                  lake->folder, collection.strangers);
    g_free(collection.today);
}
