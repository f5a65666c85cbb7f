/* What a pickle's instructions make: containers of which little is kept, and calls that are none.
 */
#include "tree/pickle.h"

#include "parse/fail.h"

#include <stdlib.h>
#include <string.h>

/* ---- containers ---- */

bool pickle_make_tuple(struct machine *machine, size_t first)
{
    struct value tuple = {.kind = TUPLE, .first = machine->items.count};
    tuple.count = machine->stack.count - first;
    /* Arguments of calls have few; of others nothing is asked. */
    tuple.count = tuple.count < 3 ? tuple.count : 3;
    for (size_t i = 0; i < tuple.count; i++) {
        const struct value item = pickle_values(&machine->stack)[first + i];
        if (!pickle_push_on(machine, &machine->items, &item, sizeof item))
            return false;
    }
    machine->stack.count = first;
    return pickle_push(machine, tuple);
}

bool pickle_make_dictionary(struct machine *machine)
{
    static const struct state none;
    struct value value = {.kind = DICTIONARY, .first = machine->states.count};
    return pickle_push_on(machine, &machine->states, &none, sizeof none) &&
           pickle_push(machine, value);
}

static bool is_text(const struct value *value, const char *text)
{
    size_t size = strlen(text);
    return (value->kind == TEXT || value->kind == ESCAPED_TEXT) && value->size == size &&
           memcmp(value->bytes, text, size) == 0;
}

static void set_item(struct machine *machine, const struct value *dictionary,
                     const struct value *key, const struct value *value)
{
    if (dictionary->kind != DICTIONARY)
        return;
    struct state *state = (struct state *)machine->states.data + dictionary->first;
    if (is_text(key, "handle"))
        state->handle = *value;
    if (is_text(key, "best_ntree_limit"))
        state->limit = *value;
}

/* From the stack's value `first` on: keys and values, of the dictionary `before` values below. */
bool pickle_set_items(struct machine *machine, size_t first, size_t before)
{
    if (first < before || (machine->stack.count - first) % 2)
        return pickle_corrupt(machine, "a dictionary's items");
    struct value *stack = pickle_values(&machine->stack);
    for (size_t i = first; i < machine->stack.count; i += 2)
        set_item(machine, &stack[first - before], &stack[i], &stack[i + 1]);
    machine->stack.count = first - before + 1;
    return true;
}

/* ---- calls ---- */

static bool is_name(const struct value *value, const char *module, const char *name)
{
    return value->size == strlen(module) && memcmp(value->bytes, module, value->size) == 0 &&
           value->name_size == strlen(name) && memcmp(value->name, name, value->name_size) == 0;
}

bool pickle_push_global(struct machine *machine, struct value value)
{
    static const struct {
        const char *module, *name;
        enum callable callable;
    } known[] = {
        {"xgboost.core", "Booster", BOOSTER_CLASS},   {"builtins", "bytearray", BYTEARRAY},
        {"__builtin__", "bytearray", BYTEARRAY},      {"_codecs", "encode", ENCODE},
        {"copyreg", "_reconstructor", RECONSTRUCTOR}, {"copy_reg", "_reconstructor", RECONSTRUCTOR},
        {"copyreg", "__newobj__", NEW_OBJECT},        {"copy_reg", "__newobj__", NEW_OBJECT},
    };
    value.kind = CALLABLE;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_name(&value, known[i].module, known[i].name))
            value.callable = known[i].callable;
    return pickle_push(machine, value);
}

bool pickle_push_stack_global(struct machine *machine)
{
    struct value name, module;
    if (!pickle_pop(machine, &name) || !pickle_pop(machine, &module))
        return false;
    if (name.kind != TEXT || module.kind != TEXT)
        return pickle_corrupt(machine, "a class's name");
    return pickle_push_global(machine, (struct value){.bytes = module.bytes,
                                                      .size = module.size,
                                                      .name = name.bytes,
                                                      .name_size = name.size});
}

/* The next character of a text: of UTF-8 up to U+00FF, or with \uXXXX. -1 where it is none such. */
static int next_byte(const unsigned char **at, const unsigned char *end, bool escaped)
{
    const unsigned char *bytes = *at;
    if (escaped && end - bytes >= 6 && bytes[0] == '\\' && bytes[1] == 'u') {
        int number = 0;
        for (int i = 2; i < 6; i++) {
            int c = bytes[i], digit = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
            if (digit < 0 || digit > 15)
                return -1;
            number = number * 16 + digit;
        }
        *at += 6;
        return number < 256 ? number : -1;
    }
    if (escaped || bytes[0] < 0x80) {
        *at += 1;
        return bytes[0];
    }
    if ((bytes[0] & 0xFC) != 0xC0 || end - bytes < 2)
        return -1;
    *at += 2;
    return (bytes[0] & 3) << 6 | (bytes[1] & 0x3F);
}

bool pickle_decode(struct machine *machine, const struct value *text, unsigned char **bytes,
                   size_t *size)
{
    *bytes = malloc(text->size + 1);
    *size = 0;
    if (!*bytes)
        return fail(machine->error, LATHE_NO_MEMORY, "no memory to read a pickle");
    const unsigned char *at = text->bytes, *end = at + text->size;
    while (at < end) {
        int byte = next_byte(&at, end, text->kind == ESCAPED_BYTES);
        if (byte < 0)
            return pickle_corrupt(machine, "bytes that are written as a text");
        (*bytes)[(*size)++] = (unsigned char)byte;
    }
    return true;
}

/* Booster(params, cache, model), which is how our own training jobs write one. */
static bool push_booster(struct machine *machine, struct value booster, const struct value *model)
{
    struct state state = {.handle = *model};
    booster.kind = BOOSTER;
    booster.first = machine->states.count;
    return pickle_push_on(machine, &machine->states, &state, sizeof state) &&
           pickle_push(machine, booster);
}

/* What a call gives, by what is called and its arguments. */
bool pickle_call(struct machine *machine, const struct value *callable, const struct value *tuple)
{
    size_t count = tuple->kind == TUPLE ? tuple->count : 0;
    const struct value *items = count ? pickle_values(&machine->items) + tuple->first : NULL;
    struct value result = {.kind = UNKNOWN,
                           .bytes = callable->bytes,
                           .size = callable->size,
                           .name = callable->name,
                           .name_size = callable->name_size};
    if (callable->kind != CALLABLE)
        return pickle_push(machine, pickle_unknown);
    if (count && (callable->callable == BYTEARRAY || callable->callable == ENCODE)) {
        result = items[0];
        if (result.kind == TEXT || result.kind == ESCAPED_TEXT)
            result.kind = result.kind == TEXT ? TEXT_BYTES : ESCAPED_BYTES;
        return pickle_push(machine, result);
    }
    if (callable->callable == BOOSTER_CLASS && count == 3)
        return push_booster(machine, result, &items[2]);
    bool makes = callable->callable == RECONSTRUCTOR || callable->callable == NEW_OBJECT;
    if (makes && count && items[0].kind == CALLABLE) {
        result = items[0];
        result.kind = result.callable == BOOSTER_CLASS ? BOOSTER : UNKNOWN;
    } else if (callable->callable == BOOSTER_CLASS) {
        result.kind = BOOSTER;
    }
    result.first = 0;
    return pickle_push(machine, result);
}

/* An object's state. */
bool pickle_build(struct machine *machine)
{
    struct value state;
    if (!pickle_pop(machine, &state) || !machine->stack.count)
        return pickle_corrupt(machine, "its stack is empty");
    struct value *object = &pickle_values(&machine->stack)[machine->stack.count - 1];
    if (object->kind == BOOSTER && state.kind == DICTIONARY)
        object->first = state.first;
    return true;
}
