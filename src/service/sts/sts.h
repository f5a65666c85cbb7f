#ifndef LATHE_SERVICE_STS_STS_H
#define LATHE_SERVICE_STS_STS_H

#include "operation/operation.h"

extern const struct service sts_service;

#endif
