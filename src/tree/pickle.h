/* pickle.h: a machine for pickles that builds descriptions instead of objects; between the files
 * that read a pickled Booster. Values are small and copied; texts and bytes stay where they lie in
 * the pickle. What fails says so in the machine's error. */
#ifndef LATHE_TREE_PICKLE_H
#define LATHE_TREE_PICKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lathe.h"

enum { MOST_VALUES = 1 << 20 }; /* at once on the stack, in the memo and of each kind */

enum kind {
    UNKNOWN,
    MARK,
    INTEGER,
    TEXT,
    ESCAPED_TEXT,
    BYTES,
    TEXT_BYTES,    /* bytes that are written as a text, as protocols before 3 do */
    ESCAPED_BYTES, /* likewise, in one with \uXXXX */
    TUPLE,
    DICTIONARY,
    CALLABLE,
    BOOSTER
};

/* What a CALLABLE is, as far as it matters. */
enum callable { OTHER, BOOSTER_CLASS, BYTEARRAY, ENCODE, RECONSTRUCTOR, NEW_OBJECT };

struct value {
    enum kind kind;
    enum callable callable;
    const unsigned char *bytes; /* a text, bytes, or a callable's module */
    size_t size;
    const unsigned char *name; /* of a callable or of an UNKNOWN's class, after its module */
    size_t name_size;
    int64_t integer;
    size_t first, count; /* a tuple's values in `items`; of a dictionary or Booster: its state */
};

/* The members of a Booster's state that are looked for. */
struct state {
    struct value handle, limit;
};

struct list {
    void *data;
    size_t count, room;
};

struct machine {
    const unsigned char *start, *next, *end;
    struct list stack, memo, items; /* struct value */
    uint64_t memo_next;
    struct list states; /* struct state; 0 is nobody's */
    struct lathe_error *error;
};

static const struct value pickle_unknown = {.kind = UNKNOWN};

/* ---- the stack and the memo ---- */

bool pickle_corrupt(struct machine *machine, const char *what);
/* Appends an element to a list of such. */
bool pickle_push_on(struct machine *machine, struct list *list, const void *element, size_t size);
bool pickle_push(struct machine *machine, struct value value);
bool pickle_pop(struct machine *machine, struct value *value);
struct value *pickle_values(const struct list *list);
/* Where the values above the last mark begin. */
bool pickle_find_mark(struct machine *machine, size_t *first);
bool pickle_remember(struct machine *machine, uint64_t index);
bool pickle_recall(struct machine *machine, uint64_t index);

/* ---- arguments in the pickle ---- */

bool pickle_take(struct machine *machine, uint64_t size, const unsigned char **bytes);
bool pickle_take_number(struct machine *machine, size_t size, uint64_t *number);
/* Up to the next line feed, which is taken too. */
bool pickle_take_line(struct machine *machine, const unsigned char **line, size_t *size);
bool pickle_take_integer_line(struct machine *machine, int64_t *number);
/* Pushes a text or bytes behind their length of `length` bytes. */
bool pickle_take_counted(struct machine *machine, size_t length, enum kind kind);
bool pickle_push_integer(struct machine *machine, int64_t integer);
/* Pushes two's complement in `size` bytes; more than 8 are no number that matters. */
bool pickle_take_integer(struct machine *machine, size_t size, bool is_signed);

/* ---- objects ---- */

/* The stack's values from `first` on as one. */
bool pickle_make_tuple(struct machine *machine, size_t first);
bool pickle_make_dictionary(struct machine *machine);
/* From the stack's value `first` on: keys and values, of the dictionary `before` values below. */
bool pickle_set_items(struct machine *machine, size_t first, size_t before);
bool pickle_push_global(struct machine *machine, struct value value);
/* Of a module and a name on the stack. */
bool pickle_push_stack_global(struct machine *machine);
/* What a call gives, by what is called and its arguments: nothing is called. */
bool pickle_call(struct machine *machine, const struct value *callable, const struct value *tuple);
/* Makes bytes of a TEXT_BYTES or ESCAPED_BYTES, to be freed, also where it fails. */
bool pickle_decode(struct machine *machine, const struct value *text, unsigned char **bytes,
                   size_t *size);
/* Gives the state on the stack to the object below it. */
bool pickle_build(struct machine *machine);

#endif
