/* form_data.h: a multipart/form-data body (RFC 7578) whose last part that counts is a file: its
 * fields are read whole, the file as it streams by. */
#ifndef LATHE_WIRE_FORM_DATA_H
#define LATHE_WIRE_FORM_DATA_H

#include "base/stream.h"

struct form_data;

/* Reads up to the file, which is the part named "file". body stays the caller's and must outlive
 * the form. ERROR_MALFORMED_POST; ERROR_INVALID_ARGUMENT where there is no file;
 * ERROR_POST_TOO_LARGE beyond 20 KiB before it. */
struct form_data *form_data_open(const char *content_type, struct stream *body, GError **error);
void form_data_free(struct form_data *form);
typedef struct form_data form_data_auto;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(form_data_auto, form_data_free)

/* The fields before the file, in order, as struct url_pair. */
GArray *form_data_fields(const struct form_data *form);
/* The file's name without its folders, or "". */
const char *form_data_file_name(const struct form_data *form);

/* The file's bytes, once; reads the form. Its last read fails where the form ends before its file
 * does, or where the file is not `least` to `most` bytes long (ERROR_ENTITY_TOO_SMALL, _LARGE). */
struct stream *form_data_file(struct form_data *form, gint64 least, gint64 most);

#endif
