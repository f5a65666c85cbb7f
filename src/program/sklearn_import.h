/* sklearn_import.h: fitted scikit-learn transformers as feature pipelines. Their file is unpickled
 * by a tool of ours in the user's Python, which says in JSON what it found; nothing of it is
 * executed here. */
#ifndef LATHE_PROGRAM_SKLEARN_IMPORT_H
#define LATHE_PROGRAM_SKLEARN_IMPORT_H

#include "base/json.h"
#include "feature/pipeline.h"

/* The pipeline of a joblib or pickle file, or of a tar.gz with one; the caller closes it. sandbox:
 * the members of sandbox.h's SANDBOX_FILE; its Python has scikit-learn and what else the file
 * needs, and reaches no network. An error names the object's class, its place in what surrounds it,
 * the parameter, what was found and what would be right. The pipeline's schema has all columns that
 * the object was fitted on, in their order.
 *
 * To be called where sandbox_run may be. */
struct pipeline *sklearn_import(const json_t *sandbox, const char *path, GError **error);

/* Writes the pipeline as an MLeap bundle: a tar.gz where the path ends so, as CreateModel wants it,
 * otherwise a zip. */
bool sklearn_import_write(const struct pipeline *pipeline, const char *path, GError **error);

#endif
