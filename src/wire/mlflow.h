/* mlflow.h: MLflow's REST API: where it is asked, and how its values and errors are written. Inside
 * src/wire only. */
#ifndef LATHE_WIRE_MLFLOW_H
#define LATHE_WIRE_MLFLOW_H

#include "base/json.h"
#include "http/http.h"
#include "operation/shape.h"
#include "wire/request.h"

/* The path as the model has it, below /mlflow/api; g_free. NULL: not MLflow's. Its clients ask
 * below the tracking URI (http://<address>/mlflow), its web page /ajax-api, and SageMaker's plugin,
 * which signs for it or, of an app, for SageMaker, the address alone. scope: of the signature, ""
 * where there is none. */
char *mlflow_path(const char *path, const char *scope);

/* A header that an app's clients write otherwise than a tracking server's, which the model has. */
const char *mlflow_header(const struct wire_request *request, const char *name);

/* What protocol buffers write otherwise in JSON: integers of 64 bits may be texts, and an
 * experiment's id may be a number. */
void mlflow_read_values(const struct shape *shape, json_t *value);

/* {"error_code", "message"} */
void mlflow_error_reply(const GError *error, struct http_reply *reply);

#endif
