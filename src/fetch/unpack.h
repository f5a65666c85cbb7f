/* unpack.h: what was compressed or packed, taken apart within bounds. */
#ifndef LATHE_FETCH_UNPACK_H
#define LATHE_FETCH_UNPACK_H

#include <glib.h>
#include <stdbool.h>

enum fetch_form {
    FETCH_PLAIN,
    FETCH_GZIP, /* one file, of one or several members */
    FETCH_TAR,  /* plain or through gzip */
    FETCH_ZIP,
    FETCH_FORMS
};

/* How lists call it: "none", "gzip", ... */
const char *fetch_form_name(enum fetch_form form);
bool fetch_form_from_name(const char *name, enum fetch_form *form);
/* By what a file's name ends with. */
enum fetch_form fetch_form_of(const char *file);

struct unpack_bounds {
    gint64 bytes;
    unsigned members;
};

/* `to`: the file of a gzip, which must not be there; the folder of the others. Names, links and
 * kinds of members as base/archive.h says; checksums are checked to the end. ERROR_VALIDATION. */
bool fetch_unpack(const char *path, enum fetch_form form, const char *to,
                  const struct unpack_bounds *bounds, GError **error);

#endif
