/* sklearn_import.h: fitted scikit-learn transformers as feature pipelines. Their file is unpickled
 * by a tool of ours in the user's Python, which says in JSON what it found; nothing of it is
 * executed here. */
#ifndef LATHE_PROGRAM_SKLEARN_IMPORT_H
#define LATHE_PROGRAM_SKLEARN_IMPORT_H

#include "base/json.h"
#include "feature/pipeline.h"

/* The pipeline of a joblib or pickle file; the caller closes it. python: the interpreter, a path or
 * a name in PATH, which has scikit-learn and what else the file needs. An error names the object's
 * class, its place in what surrounds it, the parameter, what was found and what would be right. Its
 * schema has all columns that the object was fitted on, in their order. */
struct pipeline *sklearn_import(const char *python, const char *path, GError **error);

/* Writes the pipeline as an MLeap bundle: a tar.gz where the path ends so, as CreateModel wants it,
 * otherwise a zip. */
bool sklearn_import_write(const struct pipeline *pipeline, const char *path, GError **error);

#endif
