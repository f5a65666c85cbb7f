/* layout.h: where the parts of an upload go while they arrive.
 *
 * Clients cut a file into equal parts (the last may be shorter) and send them in any order, several
 * at once. The place of part n in the object is then (n - 1) * size: each is written there, in the
 * upload's file, and completing moves nothing. A part that does not fit that picture gets a file
 * of its own. */
#ifndef LATHE_LAKE_LAYOUT_H
#define LATHE_LAKE_LAYOUT_H

#include "lake/lake_inside.h"

struct layout;

/* Where part `number` of `length` bytes (-1: unknown) is to be written; `*id` is to be freed.
 * ERROR_NO_SUCH_UPLOAD. Paired with layout_leave. */
struct layout *layout_enter(struct lake *lake, const char *upload, int number, gint64 length,
                            struct lake_place *place, char **id, GError **error);
/* Behind a part, whether or not it was committed: what it wrote to an upload that is over goes. */
void layout_leave(struct lake *lake, struct layout *layout, int number, bool shared,
                  bool committed);

/* The upload's file and distance of parts as they now are; g_free. */
char *layout_file(struct lake *lake, const struct layout *layout, gint64 *part_size);

/* Whether a part is being written to that file of an upload. */
bool layout_is_written(struct lake *lake, const char *file);

/* Before completing: whether nothing is being written to the upload's file, and nothing will be
 * until layout_open. */
struct layout *layout_close(struct lake *lake, const char *upload, bool *quiet, GError **error);
void layout_open(struct lake *lake, struct layout *layout, bool quiet);

#endif
