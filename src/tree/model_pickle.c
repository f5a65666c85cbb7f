/* The program that a pickle is, instruction by instruction, and the Booster in it. */
#include "tree/model_pickle.h"

#include "parse/fail.h"
#include "tree/pickle.h"

#include <stdlib.h>
#include <string.h>

/* ---- the program: what each instruction does, with an argument of the table below ---- */

static bool do_push(struct machine *machine, size_t bytes)
{
    const unsigned char *at;
    return pickle_take(machine, bytes, &at) && pickle_push(machine, pickle_unknown);
}

static bool do_push_line(struct machine *machine, size_t unused)
{
    const unsigned char *line;
    size_t size;
    (void)unused;
    return pickle_take_line(machine, &line, &size) && pickle_push(machine, pickle_unknown);
}

static bool do_mark(struct machine *machine, size_t unused)
{
    (void)unused;
    return pickle_push(machine, (struct value){.kind = MARK});
}

static bool do_integer_line(struct machine *machine, size_t unused)
{
    int64_t number;
    (void)unused;
    return pickle_take_integer_line(machine, &number) && pickle_push_integer(machine, number);
}

static bool do_signed(struct machine *machine, size_t bytes)
{
    return pickle_take_integer(machine, bytes, true);
}

static bool do_unsigned(struct machine *machine, size_t bytes)
{
    return pickle_take_integer(machine, bytes, false);
}

static bool do_long(struct machine *machine, size_t length)
{
    uint64_t size;
    return pickle_take_number(machine, length, &size) &&
           pickle_take_integer(machine, (size_t)size, true);
}

static bool do_text_line(struct machine *machine, size_t unused)
{
    struct value value = {.kind = ESCAPED_TEXT};
    (void)unused;
    return pickle_take_line(machine, &value.bytes, &value.size) && pickle_push(machine, value);
}

/* Python 2's text, between quotes. */
static bool do_quoted_line(struct machine *machine, size_t unused)
{
    struct value value = {.kind = ESCAPED_TEXT};
    (void)unused;
    if (!pickle_take_line(machine, &value.bytes, &value.size))
        return false;
    if (value.size < 2 || (*value.bytes != '\'' && *value.bytes != '"'))
        return pickle_corrupt(machine, "a text without quotes");
    value.bytes++;
    value.size -= 2;
    return pickle_push(machine, value);
}

static bool do_text(struct machine *machine, size_t length)
{
    return pickle_take_counted(machine, length, TEXT);
}

static bool do_bytes(struct machine *machine, size_t length)
{
    return pickle_take_counted(machine, length, BYTES);
}

static bool do_global(struct machine *machine, size_t unused)
{
    struct value value = {0};
    (void)unused;
    return pickle_take_line(machine, &value.bytes, &value.size) &&
           pickle_take_line(machine, &value.name, &value.name_size) &&
           pickle_push_global(machine, value);
}

static bool do_stack_global(struct machine *machine, size_t unused)
{
    (void)unused;
    return pickle_push_stack_global(machine);
}

static bool do_tuple(struct machine *machine, size_t count)
{
    return machine->stack.count >= count ? pickle_make_tuple(machine, machine->stack.count - count)
                                         : pickle_corrupt(machine, "its stack is empty");
}

static bool do_marked_tuple(struct machine *machine, size_t unused)
{
    size_t first;
    (void)unused;
    if (!pickle_find_mark(machine, &first) || !pickle_make_tuple(machine, first))
        return false;
    struct value *stack = pickle_values(&machine->stack);
    stack[first - 1] = stack[first]; /* in place of the mark */
    machine->stack.count = first;
    return true;
}

/* Drops what is above the mark, and puts `pushed` pickle_unknown values in its place. */
static bool do_drop_marked(struct machine *machine, size_t pushed)
{
    size_t first;
    if (!pickle_find_mark(machine, &first))
        return false;
    machine->stack.count = first - 1;
    return !pushed || pickle_push(machine, pickle_unknown);
}

/* A class's two lines, and arguments above a mark. */
static bool do_instance(struct machine *machine, size_t unused)
{
    const unsigned char *line;
    size_t size;
    (void)unused;
    return pickle_take_line(machine, &line, &size) && pickle_take_line(machine, &line, &size) &&
           do_drop_marked(machine, 1);
}

static bool do_dictionary(struct machine *machine, size_t unused)
{
    (void)unused;
    return pickle_make_dictionary(machine);
}

static bool do_marked_dictionary(struct machine *machine, size_t unused)
{
    size_t first;
    struct value dictionary;
    (void)unused;
    if (!pickle_find_mark(machine, &first) || !pickle_make_dictionary(machine) ||
        !pickle_pop(machine, &dictionary))
        return false;
    pickle_values(&machine->stack)[first - 1] = dictionary;
    return pickle_set_items(machine, first, 1);
}

static bool do_set_item(struct machine *machine, size_t unused)
{
    (void)unused;
    return machine->stack.count >= 3 ? pickle_set_items(machine, machine->stack.count - 2, 1)
                                     : pickle_corrupt(machine, "its stack is empty");
}

static bool do_set_items(struct machine *machine, size_t unused)
{
    size_t first;
    (void)unused;
    return pickle_find_mark(machine, &first) && pickle_set_items(machine, first, 2);
}

static bool do_drop(struct machine *machine, size_t count)
{
    if (machine->stack.count < count)
        return pickle_corrupt(machine, "its stack is empty");
    machine->stack.count -= count;
    return true;
}

static bool do_duplicate(struct machine *machine, size_t unused)
{
    struct value value;
    (void)unused;
    return pickle_pop(machine, &value) && pickle_push(machine, value) &&
           pickle_push(machine, value);
}

static bool do_call(struct machine *machine, size_t keywords)
{
    struct value tuple, callable;
    return do_drop(machine, keywords) && pickle_pop(machine, &tuple) &&
           pickle_pop(machine, &callable) && pickle_call(machine, &callable, &tuple);
}

static bool do_build(struct machine *machine, size_t unused)
{
    (void)unused;
    return pickle_build(machine);
}

/* The memo's number in so many bytes, 0: in a line. */
static bool take_index(struct machine *machine, size_t bytes, uint64_t *index)
{
    int64_t number = 0;
    if (bytes)
        return pickle_take_number(machine, bytes, index);
    bool taken = pickle_take_integer_line(machine, &number);
    *index = (uint64_t)number;
    return taken;
}

static bool do_remember(struct machine *machine, size_t bytes)
{
    uint64_t index;
    return take_index(machine, bytes, &index) && pickle_remember(machine, index);
}

static bool do_remember_next(struct machine *machine, size_t unused)
{
    (void)unused;
    return pickle_remember(machine, machine->memo_next);
}

static bool do_recall(struct machine *machine, size_t bytes)
{
    uint64_t index;
    return take_index(machine, bytes, &index) && pickle_recall(machine, index);
}

static bool do_skip(struct machine *machine, size_t bytes)
{
    const unsigned char *at;
    return pickle_take(machine, bytes, &at);
}

/* By opcode, as pickletools.py describes them. */
static const struct {
    bool (*run)(struct machine *machine, size_t argument);
    size_t argument;
} instructions[256] = {
    ['('] = {do_mark, 0},           ['0'] = {do_drop, 1},         ['1'] = {do_drop_marked, 0},
    ['2'] = {do_duplicate, 0},      ['F'] = {do_push_line, 0},    ['I'] = {do_integer_line, 0},
    ['J'] = {do_signed, 4},         ['K'] = {do_unsigned, 1},     ['L'] = {do_integer_line, 0},
    ['M'] = {do_unsigned, 2},       ['N'] = {do_push, 0},         ['R'] = {do_call, 0},
    ['S'] = {do_quoted_line, 0},    ['T'] = {do_text, 4},         ['U'] = {do_text, 1},
    ['V'] = {do_text_line, 0},      ['X'] = {do_text, 4},         ['a'] = {do_drop, 1},
    ['b'] = {do_build, 0},          ['c'] = {do_global, 0},       ['d'] = {do_marked_dictionary, 0},
    ['}'] = {do_dictionary, 0},     ['e'] = {do_drop_marked, 0},  ['g'] = {do_recall, 0},
    ['h'] = {do_recall, 1},         ['i'] = {do_instance, 0},     ['j'] = {do_recall, 4},
    ['l'] = {do_drop_marked, 1},    [']'] = {do_push, 0},         ['o'] = {do_drop_marked, 1},
    ['p'] = {do_remember, 0},       ['q'] = {do_remember, 1},     ['r'] = {do_remember, 4},
    ['s'] = {do_set_item, 0},       ['t'] = {do_marked_tuple, 0}, [')'] = {do_tuple, 0},
    ['u'] = {do_set_items, 0},      ['G'] = {do_push, 8},         ['B'] = {do_bytes, 4},
    ['C'] = {do_bytes, 1},          [0x80] = {do_skip, 1},        [0x81] = {do_call, 0},
    [0x85] = {do_tuple, 1},         [0x86] = {do_tuple, 2},       [0x87] = {do_tuple, 3},
    [0x88] = {do_push, 0},          [0x89] = {do_push, 0},        [0x8A] = {do_long, 1},
    [0x8B] = {do_long, 4},          [0x8C] = {do_text, 1},        [0x8D] = {do_text, 8},
    [0x8E] = {do_bytes, 8},         [0x8F] = {do_push, 0},        [0x90] = {do_drop_marked, 0},
    [0x91] = {do_drop_marked, 1},   [0x92] = {do_call, 1},        [0x93] = {do_stack_global, 0},
    [0x94] = {do_remember_next, 0}, [0x95] = {do_skip, 8},        [0x96] = {do_bytes, 8},
};

static bool run_machine(struct machine *machine)
{
    while (machine->next < machine->end) {
        unsigned char opcode = *machine->next++;
        if (opcode == '.')
            return true;
        if (!instructions[opcode].run)
            return pickle_corrupt(machine, "an instruction that is not known");
        if (!instructions[opcode].run(machine, instructions[opcode].argument))
            return false;
    }
    return pickle_corrupt(machine, "it ends early");
}

/* ---- the model ---- */

/* Protocols 0 and 1 have no mark: a class's module in a line, or what begins a container. */
static bool begins_as_text(const unsigned char *bytes, size_t size)
{
    static const char *const containers[] = {"(dp", "(lp", "}q", "]q"};
    for (size_t i = 0; i < sizeof containers / sizeof *containers; i++)
        if (size > 3 && memcmp(bytes, containers[i], strlen(containers[i])) == 0)
            return true;
    size_t at = 1;
    while (at < size && ((bytes[at] | 0x20) >= 'a' || bytes[at] == '_' || bytes[at] == '.') &&
           bytes[at] < 0x7F)
        at++;
    return bytes[0] == 'c' && at > 1 && at < size && bytes[at] == '\n';
}

bool model_is_pickle(const unsigned char *bytes, size_t size)
{
    return size >= 2 && bytes[size - 1] == '.' &&
           ((bytes[0] == 0x80 && bytes[1] >= 2 && bytes[1] <= 5) || begins_as_text(bytes, size));
}

/* A name that can be shown. */
static bool is_plain(const unsigned char *name, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (name[i] <= ' ' || name[i] > '~')
            return false;
    return size > 0;
}

static bool refuse(struct machine *machine, const struct value *object)
{
    int module = (int)(object->size < 80 ? object->size : 80);
    int name = (int)(object->name_size < 80 ? object->name_size : 80);
    const char *advice = "of pickles, only that of an xgboost.core.Booster is read (nothing in it "
                         "is executed): where it can be loaded, write the model with save_model "
                         "(of XGBClassifier and its like: get_booster().save_model)";
    if (is_plain(object->name, object->name_size) && is_plain(object->bytes, object->size))
        return fail(machine->error, LATHE_UNSUPPORTED, "a pickle of %.*s.%.*s; %s", module,
                    (const char *)object->bytes, name, (const char *)object->name, advice);
    return fail(machine->error, LATHE_UNSUPPORTED, "a pickle of something else; %s", advice);
}

static bool take_model(struct machine *machine, struct model_pickle *pickle)
{
    struct value object;
    if (!pickle_pop(machine, &object))
        return false;
    if (object.kind != BOOSTER)
        return refuse(machine, &object);
    const struct state *state = (const struct state *)machine->states.data + object.first;
    if (state->limit.kind == INTEGER && state->limit.integer > 0)
        pickle->best_ntree_limit = state->limit.integer;
    if (state->handle.kind == TEXT_BYTES || state->handle.kind == ESCAPED_BYTES) {
        bool decoded = pickle_decode(machine, &state->handle, &pickle->decoded, &pickle->size);
        pickle->model = pickle->decoded;
        return decoded;
    }
    if (state->handle.kind != BYTES)
        return fail(machine->error, LATHE_INVALID_MODEL, "a pickled Booster without a model in it");
    pickle->model = state->handle.bytes;
    pickle->size = state->handle.size;
    return true;
}

bool model_read_pickle(struct model_pickle *pickle, const unsigned char *bytes, size_t size,
                       struct lathe_error *error)
{
    static const struct state nobodys;
    struct machine machine = {.start = bytes, .next = bytes, .end = bytes + size, .error = error};
    *pickle = (struct model_pickle){0};
    bool read = pickle_push_on(&machine, &machine.states, &nobodys, sizeof nobodys) &&
                run_machine(&machine) && take_model(&machine, pickle);
    free(machine.stack.data);
    free(machine.memo.data);
    free(machine.items.data);
    free(machine.states.data);
    if (!read)
        model_pickle_clear(pickle);
    return read;
}

void model_pickle_clear(struct model_pickle *pickle)
{
    free(pickle->decoded);
    *pickle = (struct model_pickle){0};
}
