/* The stack, the memo and the arguments of a pickle. */
#include "tree/pickle.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>

bool pickle_corrupt(struct machine *machine, const char *what)
{
    return fail(machine->error, LATHE_INVALID_MODEL, "the pickle is cut or corrupt at byte %zu: %s",
                (size_t)(machine->next - machine->start), what);
}

bool pickle_push_on(struct machine *machine, struct list *list, const void *element, size_t size)
{
    if (list->count == MOST_VALUES)
        return fail(machine->error, LATHE_LIMIT, "the pickle has more than %d values at once",
                    MOST_VALUES);
    if (list->count == list->room) {
        size_t room = list->room ? list->room * 2 : 32;
        void *data = realloc(list->data, room * size);
        if (!data)
            return fail(machine->error, LATHE_NO_MEMORY, "no memory to read a pickle");
        list->data = data;
        list->room = room;
    }
    memcpy((char *)list->data + list->count++ * size, element, size);
    return true;
}

bool pickle_push(struct machine *machine, struct value value)
{
    return pickle_push_on(machine, &machine->stack, &value, sizeof value);
}

struct value *pickle_values(const struct list *list)
{
    return list->data;
}

bool pickle_pop(struct machine *machine, struct value *value)
{
    if (!machine->stack.count)
        return pickle_corrupt(machine, "its stack is empty");
    *value = pickle_values(&machine->stack)[--machine->stack.count];
    return true;
}

/* Where the values above the last mark begin. */
bool pickle_find_mark(struct machine *machine, size_t *first)
{
    for (size_t i = machine->stack.count; i-- > 0;)
        if (pickle_values(&machine->stack)[i].kind == MARK) {
            *first = i + 1;
            return true;
        }
    return pickle_corrupt(machine, "no mark on its stack");
}

/* ---- arguments in the pickle ---- */

bool pickle_take(struct machine *machine, uint64_t size, const unsigned char **bytes)
{
    if (size > (size_t)(machine->end - machine->next))
        return pickle_corrupt(machine, "it ends early");
    *bytes = machine->next;
    machine->next += size;
    return true;
}

bool pickle_take_number(struct machine *machine, size_t size, uint64_t *number)
{
    const unsigned char *bytes = NULL;
    if (!pickle_take(machine, size, &bytes))
        return false;
    *number = 0;
    for (size_t i = size; i-- > 0;)
        *number = *number << 8 | bytes[i];
    return true;
}

/* Up to the next line feed, which is taken too. */
bool pickle_take_line(struct machine *machine, const unsigned char **line, size_t *size)
{
    const unsigned char *feed = memchr(machine->next, '\n', (size_t)(machine->end - machine->next));
    if (!feed)
        return pickle_corrupt(machine, "it ends early");
    *line = machine->next;
    *size = (size_t)(feed - machine->next);
    machine->next = feed + 1;
    return true;
}

/* A text or bytes behind their length of `length` bytes. */
bool pickle_take_counted(struct machine *machine, size_t length, enum kind kind)
{
    uint64_t size;
    struct value value = {.kind = kind};
    if (!pickle_take_number(machine, length, &size) || !pickle_take(machine, size, &value.bytes))
        return false;
    value.size = (size_t)size;
    return pickle_push(machine, value);
}

static int64_t decimal(const unsigned char *digits, size_t size)
{
    bool minus = size && *digits == '-';
    int64_t number = 0;
    for (size_t i = minus; i < size && digits[i] >= '0' && digits[i] <= '9'; i++)
        number = number < INT64_MAX / 10 - 9 ? number * 10 + (digits[i] - '0') : INT64_MAX / 10 - 9;
    return minus ? -number : number;
}

bool pickle_take_integer_line(struct machine *machine, int64_t *number)
{
    const unsigned char *line = NULL;
    size_t size = 0;
    if (!pickle_take_line(machine, &line, &size))
        return false;
    *number = decimal(line, size);
    return true;
}

bool pickle_push_integer(struct machine *machine, int64_t integer)
{
    return pickle_push(machine, (struct value){.kind = INTEGER, .integer = integer});
}

/* Two's complement in `size` bytes; more than 8 are no number that matters. */
bool pickle_take_integer(struct machine *machine, size_t size, bool is_signed)
{
    const unsigned char *bytes = NULL;
    if (!pickle_take(machine, size, &bytes))
        return false;
    if (size > 8)
        return pickle_push(machine, pickle_unknown);
    bool minus = is_signed && size && bytes[size - 1] & 0x80;
    uint64_t number = minus ? UINT64_MAX : 0;
    for (size_t i = size; i-- > 0;)
        number = number << 8 | bytes[i];
    return pickle_push_integer(machine, (int64_t)number);
}

/* ---- the memo ---- */

bool pickle_remember(struct machine *machine, uint64_t index)
{
    if (!machine->stack.count)
        return pickle_corrupt(machine, "its stack is empty");
    machine->memo_next = index + 1;
    if (index >= MOST_VALUES) /* among as many, not a Booster's */
        return true;
    while (machine->memo.count <= index)
        if (!pickle_push_on(machine, &machine->memo, &pickle_unknown, sizeof pickle_unknown))
            return false;
    pickle_values(&machine->memo)[index] = pickle_values(&machine->stack)[machine->stack.count - 1];
    return true;
}

bool pickle_recall(struct machine *machine, uint64_t index)
{
    return pickle_push(machine, index < machine->memo.count ? pickle_values(&machine->memo)[index]
                                                            : pickle_unknown);
}
