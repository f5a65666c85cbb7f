#include "stream/folders.h"

#include <pthread.h>
#include <unistd.h>

#include "base/file.h"

struct folders {
    char *root;
    pthread_mutex_t lock; /* one at a time makes or removes them */
};

struct folders *folders_open(const char *root, GError **error)
{
    if (!file_make_folders(root, error))
        return NULL;
    struct folders *folders = g_new0(struct folders, 1);
    folders->root = g_strdup(root);
    pthread_mutex_init(&folders->lock, NULL);
    return folders;
}

void folders_close(struct folders *folders)
{
    if (!folders)
        return;
    pthread_mutex_destroy(&folders->lock);
    g_free(folders->root);
    g_free(folders);
}

char *folders_path(const struct folders *folders, const char *name, const char *id)
{
    return g_build_filename(folders->root, name, id, NULL);
}

bool folders_make(struct folders *folders, const char *name, const char *id, GError **error)
{
    g_autofree char *path = folders_path(folders, name, id);
    g_autofree char *parent = g_path_get_dirname(path);
    pthread_mutex_lock(&folders->lock);
    bool made = file_make_folders(path, error) && file_sync_folder(parent, error) &&
                file_sync_folder(folders->root, error);
    pthread_mutex_unlock(&folders->lock);
    return made;
}

void folders_remove(struct folders *folders, const char *name, const char *id)
{
    g_autofree char *path = folders_path(folders, name, id);
    g_autofree char *parent = g_path_get_dirname(path);
    g_autoptr(GError) error = NULL;
    pthread_mutex_lock(&folders->lock);
    if (!file_remove_tree(path, &error))
        g_warning("the files of the stream %s: %s", name, error->message);
    rmdir(parent); /* unless another of that name has it */
    pthread_mutex_unlock(&folders->lock);
}

/* All below a name's folder but the stream's own. */
static bool clean_name(const char *path, const char *id, GError **error)
{
    g_autoptr(GDir) folder = g_dir_open(path, 0, error);
    const char *other;
    while (folder && (other = g_dir_read_name(folder))) {
        g_autofree char *below = g_build_filename(path, other, NULL);
        if (g_strcmp0(id, other) != 0 && !file_remove_tree(below, error))
            return false;
    }
    return folder != NULL;
}

bool folders_clean(struct folders *folders, char *(*id_of)(const char *name, void *data),
                   void *data, GError **error)
{
    g_autoptr(GDir) root = g_dir_open(folders->root, 0, error);
    const char *name;
    while (root && (name = g_dir_read_name(root))) {
        g_autofree char *path = g_build_filename(folders->root, name, NULL);
        g_autofree char *id = id_of(name, data);
        if (!(id ? clean_name(path, id, error) : file_remove_tree(path, error)))
            return false;
    }
    return root != NULL;
}
