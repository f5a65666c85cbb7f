#ifndef LATHE_SERVICE_CLOUDWATCH_CLOUDWATCH_H
#define LATHE_SERVICE_CLOUDWATCH_CLOUDWATCH_H

#include "operation/operation.h"

extern const struct service cloudwatch_service;

#endif
