#ifndef LATHE_SERVICE_IAM_IAM_H
#define LATHE_SERVICE_IAM_IAM_H

#include "operation/operation.h"

extern const struct service iam_service;

#endif
