/* schema.h: which columns a row has when it comes to a bundle of transformers, and which column is
 * the bundle's answer: as Amazon SageMaker's SparkML container has them described.
 *
 *     {"input": [{"name": "speed", "type": "int"}, {"name": "v", "type": "double",
 *                "struct": "vector"}],
 *      "output": {"name": "features", "type": "double", "struct": "vector"}}
 */
#ifndef LATHE_MODEL_SCHEMA_H
#define LATHE_MODEL_SCHEMA_H

#include "feature/pipeline.h"
#include "parse/arena.h"

enum schema_type {
    SCHEMA_BOOLEAN,
    SCHEMA_BYTE,
    SCHEMA_SHORT,
    SCHEMA_INTEGER,
    SCHEMA_LONG,
    SCHEMA_FLOAT,
    SCHEMA_DOUBLE,
    SCHEMA_STRING,
    SCHEMA_TYPES
};

struct schema_column {
    const char *name;
    enum schema_type type;
    bool vector;
    size_t width;
};

struct schema {
    struct schema_column *columns;
    size_t count;
    size_t width;       /* values of a row */
    const char *output; /* NULL: what the bundle makes and nothing in it reads */
    enum schema_type output_type;
};

/* Reads a schema; widths of vectors are those that the pipeline asks for, 1 where it does not read
 * them (as SageMaker's container, which takes such columns along). Memory is the arena's.
 * LATHE_INVALID_DATA naming the member, LATHE_NO_MEMORY. */
bool schema_read(struct schema *schema, const char *text, size_t size,
                 const struct pipeline *pipeline, struct arena *arena, struct lathe_error *error);

/* The schema of a bundle that brings none: the columns that its answer depends on, in the order in
 * which its stages name them. Its answer is the column called `output`, or, where that is NULL, the
 * one that nothing in the bundle reads; of several such the last one with `width` values (0: any,
 * and of a model that comes last its prediction). */
bool schema_of_pipeline(struct schema *schema, const struct pipeline *pipeline, const char *output,
                        size_t width, struct arena *arena, struct lathe_error *error);

/* The plan for rows of this schema. */
struct plan *schema_plan(const struct schema *schema, const struct pipeline *pipeline,
                         struct lathe_error *error);

enum feature_type schema_feature_type(enum schema_type type);
const char *schema_type_name(enum schema_type type);

#endif
