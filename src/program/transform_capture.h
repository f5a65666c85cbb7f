/* transform_capture.h: what a batch transform's DataCaptureConfig asks for: manifests of what went
 * in and came out, as Model Monitor reads them, instead of copies of it. */
#ifndef LATHE_PROGRAM_TRANSFORM_CAPTURE_H
#define LATHE_PROGRAM_TRANSFORM_CAPTURE_H

#include "base/json.h"

/* capture/input/yyyy/mm/dd/hh/ID.json and capture/output/..., each [{"prefix": "s3://..."}, "name",
 * ...]; nothing where the configuration does not ask. files: struct rows_file of the input. */
bool transform_capture(const char *folder, const json_t *config, const GPtrArray *files,
                       GError **error);

#endif
