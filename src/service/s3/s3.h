/* s3.h: Amazon S3's operations on the lake. */
#ifndef LATHE_SERVICE_S3_S3_H
#define LATHE_SERVICE_S3_S3_H

#include "operation/operation.h"

extern const struct service s3_service;

#endif
