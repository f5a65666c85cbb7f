/* What a connection is told once. */
#include "sql/sql.h"

const char *sql_prelude(void)
{
    return "SET errors_as_json=false;"
           "SET default_null_order='nulls_last';"
           "SET scalar_subquery_error_on_multiple_rows=true;"
           "SET ieee_floating_point_ops=true;"
           "SET TimeZone='UTC';";
}
