/* container_inside.h: Python's way with texts; between container.c, container_libsvm.c and
 * container_python.c. */
#ifndef LATHE_MODEL_CONTAINER_INSIDE_H
#define LATHE_MODEL_CONTAINER_INSIDE_H

#include "model/container.h"

/* "Loading csv data failed ...", the exception's class and its words. */
bool container_fail(const char *kind, const char *exception, struct lathe_error *error,
                    const char *format, ...) __attribute__((format(printf, 4, 5)));

/* The text as bytes.strip() gives it, and whether .decode("utf-8") then takes it. */
void container_strip(const char **text, size_t *size);
bool container_decode(const char *kind, const char *text, size_t size, struct lathe_error *error);

/* float() and int() of a text. False where Python raises an exception. */
bool python_float(const char *text, size_t size, double *value);
bool python_int(const char *text, size_t size, int64_t *value);

/* repr() of a text, as numpy's errors say it (2 wraps it in np.str_()); at most `room` bytes,
 * terminated. */
void python_repr(bool wraps, const char *text, size_t size, char *out, size_t room);

/* XGBoost refuses infinities, from a release on. */
bool container_check_finite(const struct xgboost_release *release, const char *kind, double value,
                            struct lathe_error *error);

/* Whether the model takes rows of this width; the container's check and XGBoost's. */
bool container_check_width(const struct container_rows *rows, const char *kind, size_t width,
                           struct lathe_error *error);

#endif
