/* data_place.h: places in S3 that a request names, looked at before its job starts. */
#ifndef LATHE_SERVICE_SAGEMAKER_DATA_PLACE_H
#define LATHE_SERVICE_SAGEMAKER_DATA_PLACE_H

#include "operation/operation.h"

/* Whether something lies where an S3DataSource points (an object below the prefix, or the manifest
 * itself); ERROR_VALIDATION in AWS's words where nothing does. The role is only named in them. */
bool data_place_check_input(const struct call *call, const json_t *source, const char *role,
                            GError **error);

#endif
