/* Opening and closing, names of files, and the collection of files that no row names. */
#include "lake/lake.h"

#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "base/file.h"
#include "base/id.h"
#include "base/tasks.h"
#include "lake/cache.h"
#include "lake/lake_inside.h"
#include "lake/orphans.h"

char *lake_new_id(const struct lake *lake)
{
    unsigned char bytes[12];
    id_random(bytes, sizeof bytes);
    g_autofree char *mark = checksum_hex_text(bytes, sizeof bytes);
    return g_strconcat(mark, lake->run, NULL);
}

char *lake_path(const struct lake *lake, const char *id)
{
    return g_strdup_printf("%s/%s", lake->folder, id);
}

char *lake_cache_path(const struct lake *lake, const char *id)
{
    return g_strdup_printf("%s/%s", lake->cache, id);
}

static void remove_file(void *path)
{
    unlink(path); /* what stays is an orphan for the next start */
    g_free(path);
}

void lake_remove(struct lake *lake, char *path)
{
    tasks_add(lake->remover, remove_file, path);
}

void lake_remove_id(struct lake *lake, const char *id)
{
    lake_remove(lake, lake_path(lake, id));
}

/* ---- opening ---- */

/* Makes the folder, on the disk with its name: what is synced below it could not be found else. */
static bool make_folder(const char *folder, const char *parent, GError **error)
{
    return g_file_test(folder, G_FILE_TEST_IS_DIR) ||
           (file_make_folders(folder, error) && file_sync_folder(parent, error));
}

struct lake *lake_open(struct store *store, const char *folder, GError **error)
{
    struct lake *lake = g_new0(struct lake, 1);
    lake->store = store;
    lake->folder = g_canonicalize_filename(folder, NULL);
    g_autofree char *parent = g_path_get_dirname(lake->folder);
    lake->cache = g_build_filename(parent, "cache", "objects", NULL);
    g_autofree char *run = id_hex(8);
    memcpy(lake->run, run, sizeof lake->run);
    lake->layouts = g_hash_table_new(g_str_hash, g_str_equal);
    pthread_mutex_init(&lake->lock, NULL);
    lake->collector = tasks_new();
    lake->remover = tasks_new();
    if (!make_folder(lake->folder, parent, error) || !owner_claim(lake, error) ||
        !orphans_put_back(lake, error) || !cache_empty(lake, error)) {
        g_prefix_error(error, "opening the lake %s: ", folder);
        lake_close(lake);
        return NULL;
    }
    tasks_add(lake->collector, orphans_collect, lake);
    return lake;
}

void lake_tidy(struct lake *lake, double now)
{
    orphans_drop_old(lake, now);
    cache_tidy(lake, now);
}

void lake_close(struct lake *lake)
{
    if (!lake)
        return;
    lake->closing = true;
    tasks_free(lake->collector);
    tasks_free(lake->remover);
    pthread_mutex_destroy(&lake->lock);
    g_hash_table_unref(lake->layouts);
    g_free(lake->folder);
    g_free(lake->cache);
    g_free(lake);
}
