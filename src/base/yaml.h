/* yaml.h: YAML as a way to write JSON. */
#ifndef LATHE_BASE_YAML_H
#define LATHE_BASE_YAML_H

#include "base/json.h"

/* Reads one YAML document (of which JSON is a subset) as JSON. Plain scalars are numbers, booleans
 * and null where YAML 1.2's core schema says so, quoted ones are texts; an alias is a copy
 * of what it stands for, "<<" merges mappings; a text of comments alone is null. Sizes, values
 * (copies too), aliases and depth have bounds. An error (ERROR_SERIALIZATION) names what, and line
 * and column where it is no YAML. */
json_t *yaml_parse(const char *text, size_t size, const char *what, GError **error);

#endif
