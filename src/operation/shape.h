/* shape.h: what AWS published about its operations, as tables: every operation's name and route,
 * and the shapes of those that tools/operations/ lists. tools/shapes.py writes the tables from
 * botocore's models at build time; the structs are the interface.
 *
 * A shape is a type with its constraints. How a value is written in its place (under which name, in
 * a header or in the body, a time in which form) belongs to the member that refers to the shape. */
#ifndef LATHE_OPERATION_SHAPE_H
#define LATHE_OPERATION_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum shape_type {
    SHAPE_STRUCTURE,
    SHAPE_LIST,
    SHAPE_MAP,
    SHAPE_STRING,
    SHAPE_INTEGER,
    SHAPE_LONG,
    SHAPE_FLOAT,
    SHAPE_DOUBLE,
    SHAPE_BOOLEAN,
    SHAPE_TIMESTAMP,
    SHAPE_BLOB,
};

enum shape_flags {
    SHAPE_UNION = 1,     /* exactly one of the members is given */
    SHAPE_SENSITIVE = 2, /* errors do not repeat the value */
    SHAPE_DOCUMENT = 4,  /* any JSON */
    SHAPE_MIN = 8,       /* `min` and `max` hold */
    SHAPE_MAX = 16,
};

struct shape {
    const char *name;
    const struct shape_member *members; /* a list's "member"; a map's "key" and "value" */
    const char *const *values;          /* the enumeration's */
    const char *pattern;                /* PCRE, for the whole value */
    const char *pattern_text;           /* as AWS writes it */
    double min, max;                    /* of a number, of a length otherwise */
    uint16_t member_count;
    uint16_t value_count;
    uint8_t type;
    uint8_t flags;
};

enum member_location { AT_BODY, AT_URI, AT_QUERY, AT_HEADER, AT_HEADERS, AT_STATUS };

enum member_flags {
    MEMBER_REQUIRED = 1,
    MEMBER_TOKEN = 2,   /* a client token: a repeated request gets the first answer */
    MEMBER_STREAM = 4,  /* the body itself, as bytes: call->body and reply->body */
    MEMBER_PAYLOAD = 8, /* the body itself, as the protocol writes a value */
    MEMBER_FLATTENED = 16,
    MEMBER_ATTRIBUTE = 32, /* of its structure's element in XML: xsi:type */
};

enum member_time { TIME_DEFAULT, TIME_ISO8601, TIME_EPOCH, TIME_HTTP };

struct shape_member {
    const char *name;
    const char *wire_name; /* NULL: the same; for AT_HEADERS the prefix */
    const struct shape *shape;
    uint8_t location;
    uint8_t flags;
    uint8_t time; /* the form of a timestamp */
};

enum shape_operation_flags {
    OPERATION_SHAPE_LISTED = 1,   /* its shapes are compiled in */
    OPERATION_SHAPE_CHECKSUM = 2, /* its body comes with a checksum that has to be right */
};

/* A member of a request that is refused by name (tools/operations/). */
struct shape_refusal {
    const char *path;    /* "ProductionVariants[].ServerlessConfig"; {} are a map's values */
    const char *allowed; /* "File|FastFile": values that are taken all the same; or NULL */
    const char *words;   /* the reason */
};

struct shape_operation {
    const char *name;
    const char *method;
    const char *path; /* "/{Bucket}/{Key+}" */
    const char *const
        *needs; /* what a request of it has: "?uploads", "?list-type=2", ":x-header" */
    const struct shape *input, *output; /* NULL: none (or not listed) */
    const char *result_wrapper;         /* the query protocol's element around the result */
    const struct shape_refusal *refusals;
    uint16_t need_count;
    uint16_t refusal_count;
    uint16_t status; /* of a reply without an error */
    uint8_t flags;
};

enum protocol {
    PROTOCOL_JSON10,
    PROTOCOL_JSON11,
    PROTOCOL_REST_JSON,
    PROTOCOL_REST_XML,
    PROTOCOL_QUERY,
    PROTOCOL_REST_MLFLOW, /* REST JSON whose values are protocol buffers' and errors MLflow's */
};

struct shape_service {
    const char *name;          /* botocore's folder name */
    const char *signing_name;  /* in the credential scope */
    const char *target_prefix; /* of X-Amz-Target; NULL but for json */
    const char *version;       /* "2017-07-24" */
    const char *xml_namespace; /* NULL: none */
    enum protocol protocol;
    bool query_compatible; /* errors carry the query protocol's code in a header too */
    const struct shape_operation *operations; /* sorted by name */
    size_t operation_count;
};

/* All services, ending with NULL. */
extern const struct shape_service *const shape_services[];

/* NULL where there is none. */
const struct shape_service *shape_service_find(const char *name);
const struct shape_service *shape_service_by_target(const char *prefix, size_t length);
const struct shape_operation *shape_operation_find(const struct shape_service *service,
                                                   const char *name);
const struct shape_member *shape_member_find(const struct shape *shape, const char *name);

/* Whether a need ("?uploads", "?list-type=2") is of the query parameter of that name. */
bool shape_need_is(const char *need, const char *parameter);

/* The member that is the body itself (a stream or a payload), or NULL. */
const struct shape_member *shape_payload(const struct shape *shape);

static inline const char *shape_wire_name(const struct shape_member *member)
{
    return member->wire_name ? member->wire_name : member->name;
}

#endif
