#ifndef LATHE_SERVICE_LOGS_LOGS_H
#define LATHE_SERVICE_LOGS_LOGS_H

#include "operation/operation.h"

extern const struct service logs_service;

#endif
