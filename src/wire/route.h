/* route.h: which operation of a REST service a method, a path, a query and headers mean. */
#ifndef LATHE_WIRE_ROUTE_H
#define LATHE_WIRE_ROUTE_H

#include "base/json.h"
#include "operation/shape.h"
#include "wire/request.h"

struct route {
    const struct shape_operation *operation; /* NULL: nothing fits */
    json_t *labels;                          /* the path's labels, decoded, by wire name */
};
void route_clear(struct route *route);

/* All routes of the service are known, built or not: the one that needs most wins, so that
 * `PUT /b/k?acl` is PutObjectAcl and never PutObject. query: url_pairs of the request's. False and
 * an error where a label does not decode. */
bool route_find(const struct shape_service *service, const struct wire_request *request,
                const GArray *query, struct route *route, GError **error);

/* Whether the path alone fits some operation of the service with this method. */
bool route_fits_path(const struct shape_service *service, const struct wire_request *request);

#endif
