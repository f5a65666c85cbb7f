/* bundle.h: fitted pipelines as MLeap bundles (Bundle.ML, JSON form), read and written.
 *
 * A bundle is a folder of small JSON files, or a zip of one, or a tar.gz that holds either. Read
 * are those that MLeap 0.20 to 0.25 write, from Spark or from its own runtime, and, of older ones,
 * StringIndexers with a single list of labels and OneHotEncoders of one column. Written are bundles
 * that MLeap 0.20 and 0.24 both read. */
#ifndef LATHE_FEATURE_BUNDLE_H
#define LATHE_FEATURE_BUNDLE_H

#include "archive/unpack.h"
#include "feature/pipeline.h"

/* Reads a bundle from a folder, a zip or a tar.gz. NULL with LATHE_IO, LATHE_INVALID_MODEL (cut,
 * corrupt, hostile), LATHE_UNSUPPORTED (a transformer lathe does not have, the protobuf form),
 * LATHE_LIMIT or LATHE_NO_MEMORY; the text names the node.
 *
 * What bundles of ours may have and MLeap has not: the transformer number_map, the operations
 * log1p, expm1, log2 and log10, a string_map's missing_value; MLeap refuses or loses these. Besides
 * it passes over a vector_assembler's handle_invalid and exact, and the schema in bundle.json.
 *
 * MLeap's VectorAssembler has no handleInvalid: read from a bundle it keeps NaN, unless the bundle
 * is ours and says otherwise. */
struct pipeline *bundle_open(const char *path, struct lathe_error *error);

/* The same from the bytes of a zip, tar or tar.gz. They are not kept. */
struct pipeline *bundle_read(const void *bytes, size_t size, struct lathe_error *error);

/* The same from an open archive, where the bundle may be in any of its folders, or zipped inside.
 * The archive is not needed afterwards. */
struct pipeline *bundle_read_unpacked(struct unpack *archive, struct lathe_error *error);

/* Whether an archive has a bundle in it; and, for unpack_open's `keep`, whether a file may be part
 * of one. */
bool bundle_is_in(const struct unpack *archive);
bool bundle_needs(const char *name);

/* Takes a file of the bundle: its path relative to the bundle, with slashes. */
typedef bool bundle_sink(void *context, const char *path, const void *bytes, size_t size,
                         struct lathe_error *error);

/* Writes a bundle file by file. The pipeline must be fitted; PCA and Spark's models, which only
 * bundles bring, are LATHE_UNSUPPORTED. A StringIndexer or Binarizer of several columns becomes a
 * node a column, since MLeap's runtime knows only those. The bundle does not say when or where it
 * was made, and its uid is made of its content: the same pipeline gives the same bytes. */
bool bundle_write(const struct pipeline *pipeline, bundle_sink *sink, void *context,
                  struct lathe_error *error);

/* Into a folder, made where it is not there. */
bool bundle_write_folder(const struct pipeline *pipeline, const char *folder,
                         struct lathe_error *error);

/* Into a zip; the caller frees *bytes. */
bool bundle_write_zip(const struct pipeline *pipeline, void **bytes, size_t *size,
                      struct lathe_error *error);

#endif
