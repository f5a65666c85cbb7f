/* fetch.h: a list of addresses into a folder of files, all of them or an error. */
#ifndef LATHE_FETCH_FETCH_H
#define LATHE_FETCH_FETCH_H

#include "fetch/address.h"
#include "fetch/unpack.h"

struct fetch_file {
    char *source; /* an http(s) address, or a file's path */
    bool is_local;
    char *path;         /* below the output: of the file, or of the folder that it is unpacked to */
    char *sha256, *md5; /* of what is brought, before it is unpacked: in hexadecimal, or NULL */
    enum fetch_form form; /* what it is to be unpacked as */
};

struct fetch_list {
    GPtrArray *files;   /* struct fetch_file */
    gint64 bytes;       /* that all may have together, as brought, and again as unpacked */
    unsigned members;   /* files of an archive */
    unsigned expansion; /* how many times as large a file may become */
    unsigned retries;   /* of an address, after tries that brought nothing */
};
struct fetch_list *fetch_list_new(void); /* with the bounds that hold unless others are said */
struct fetch_file *fetch_list_add(struct fetch_list *list, const char *source, bool is_local);
void fetch_list_free(struct fetch_list *list);
typedef struct fetch_list fetch_list_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(fetch_list_auto, fetch_list_free)

/* Fills in what is not said of where files go, and checks it: paths that stay below the output and
 * are not given twice. ERROR_VALIDATION. */
bool fetch_list_check(struct fetch_list *list, GError **error);

/* How it goes. */
struct fetch_view {
    void (*says)(const char *line, void *data);
    void (*moves)(const struct fetch_file *file, guint index, gint64 here, gint64 total,
                  void *data); /* total: -1 where it is not known */
    void *data;
};

struct fetch_place {
    const char *output;  /* where the files go; made */
    const char *scratch; /* on the same disk; made, and removed at the end */
    const char *cache;   /* where half of what was brought is kept for the next time */
    struct fetch_rules rules;
    struct fetch_view view;
};

/* Brings them, one after the other. The cache forgets them once all are there. */
bool fetch_all(const struct fetch_list *list, const struct fetch_place *place, GError **error);

#endif
