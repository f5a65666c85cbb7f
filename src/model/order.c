#include "model/order.h"

#include <stdio.h>
#include <string.h>

bool order_explain(const struct lathe_predictor *predictor, struct lathe_error *error)
{
    size_t count;
    const struct lathe_column *columns = lathe_predictor_columns(predictor, &count);
    if (!error || error->code != LATHE_INVALID_DATA || count < 2 || !columns[0].name)
        return false;
    static const char more[] = ", ...";
    char text[sizeof error->message];
    size_t room = sizeof text - strlen(error->message);
    size_t used = (size_t)snprintf(text, sizeof text, "; without a header, columns come as ");
    for (size_t i = 0; i < count; i++) {
        size_t needed = strlen(columns[i].name) + (i ? 2 : 0);
        if (used + needed + sizeof more > room) {
            if (!i)
                return false; /* no room for any */
            memcpy(text + used, more, sizeof more);
            used += sizeof more - 1;
            break;
        }
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i ? ", " : "",
                                 columns[i].name);
    }
    memcpy(error->message + strlen(error->message), text, used + 1);
    return false;
}
