/* folders.h: where streams keep their files: <root>/<name>/<id>, whose id is the stream's own, so
 * that another one of the same name never finds them. */
#ifndef LATHE_STREAM_FOLDERS_H
#define LATHE_STREAM_FOLDERS_H

#include <glib.h>
#include <stdbool.h>

struct folders;

struct folders *folders_open(const char *root, GError **error); /* created where missing */
void folders_close(struct folders *folders);

char *folders_path(const struct folders *folders, const char *name, const char *id); /* g_free */
/* Makes a stream's, where it is missing, and has its name on the disk. */
bool folders_make(struct folders *folders, const char *name, const char *id, GError **error);
/* Removes a stream's, with what is in it. What cannot be removed goes at the next start. */
void folders_remove(struct folders *folders, const char *name, const char *id);
/* Removes those of streams that are no more: id_of tells a name's id (g_free), or NULL. */
bool folders_clean(struct folders *folders, char *(*id_of)(const char *name, void *data),
                   void *data, GError **error);

#endif
