/* kinesis.h: data streams, for what reads them. */
#ifndef LATHE_SERVICE_KINESIS_KINESIS_H
#define LATHE_SERVICE_KINESIS_KINESIS_H

#include "service/home.h"

/* Opens the data streams of the home unless they are open: services that read them are opened in
 * the order of their names. */
bool kinesis_open(struct lathe *lathe, GError **error);

/* The name in a stream's ARN; NULL and ERROR_INVALID_ARGUMENT_EXCEPTION where it has none. Borrowed
 * from it. */
const char *kinesis_name_in_arn(const char *arn, GError **error);

#endif
