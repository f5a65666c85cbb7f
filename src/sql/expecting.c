/* Why a text is no statement. The grammar is walked over the tokens along all paths at once, and
 * what the paths that came farthest would have taken next is what Trino calls expected. A walk
 * gives the set of tokens at which a part can end; a rule at a token is walked once. Where a rule
 * has a label and fails at its first token, its label stands for all it could begin with. */
#include "sql/grammar.h"

#include <stdlib.h>
#include <string.h>

enum {
    DEEPEST = 5000,
    MOST_TOKENS = 20000, /* of longer texts only the place of the error is said */
    MOST_LABELS = 200,
};

enum part_kind { PART_RULE, PART_WORD, PART_KIND, PART_SEQUENCE, PART_CHOICE, PART_REPEAT };

struct part {
    enum part_kind kind;
    bool silent;
    char times; /* ? * + of PART_REPEAT */
    size_t rule;
    enum sql_token_kind token;
    const char *text; /* the word, or the label of a kind */
    struct part **parts;
    size_t count;
};

/* The tokens at which a part can end, in order, each once. */
struct ends {
    size_t *at;
    size_t count;
};

/* What a rule gave at a token: [loud, quiet]. */
struct known {
    struct ends *ends[2];
};

struct walk {
    struct sql_compiler *c;
    struct part **bodies;
    struct known *known;
    size_t rules, depth, farthest, label_count;
    const char *labels[MOST_LABELS];
};

/* --- the grammar's text into parts --- */

struct reader {
    struct sql_compiler *c;
    const char *at;
};

static struct part *new_part(struct reader *reader, enum part_kind kind)
{
    struct part *part = sql_take(reader->c, 1, sizeof *part);
    part->kind = kind;
    return part;
}

static void add(struct reader *reader, struct part *whole, struct part *part)
{
    whole->parts = sql_push(reader->c, whole->parts, &whole->count, sizeof(struct part *));
    whole->parts[whole->count - 1] = part;
}

static size_t rule_number(const char *name, size_t size)
{
    size_t i = 0;
    while (sql_grammar[i].name &&
           (strncmp(sql_grammar[i].name, name, size) != 0 || sql_grammar[i].name[size]))
        i++;
    return i;
}

static bool set_kind(struct part *part, const char *name)
{
    static const struct {
        const char *name, *label;
        enum sql_token_kind token;
    } KINDS[] = {
        {"EOF", "<EOF>", TOKEN_END},
        {"INTEGER_VALUE", "<integer>", TOKEN_INTEGER},
        {"DECIMAL_VALUE", "DECIMAL_VALUE", TOKEN_DECIMAL},
        {"DOUBLE_VALUE", "DOUBLE_VALUE", TOKEN_DOUBLE},
        {"STRING_VALUE", "STRING", TOKEN_STRING},
        {"UNICODE_STRING", "UNICODE_STRING", TOKEN_UNICODE_STRING},
        {"BINARY_LITERAL", "BINARY_LITERAL", TOKEN_BINARY},
        {"NAME", "<identifier>", TOKEN_WORD},
    };
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++)
        if (strcmp(KINDS[i].name, name) == 0) {
            part->kind = PART_KIND;
            part->token = KINDS[i].token;
            part->text = KINDS[i].label;
            return true;
        }
    return false;
}

static struct part *read_word(struct reader *reader)
{
    bool quoted = *reader->at == '\'';
    reader->at += quoted;
    size_t size = quoted ? strcspn(reader->at, "'") : strcspn(reader->at, " |()?*+!");
    struct part *part = new_part(reader, PART_WORD);
    part->text = arena_copy(&reader->c->arena, reader->at, size);
    bool rule = !quoted && *reader->at >= 'a' && *reader->at <= 'z';
    if (rule) {
        part->kind = PART_RULE;
        part->rule = rule_number(reader->at, size);
    } else if (!quoted) {
        set_kind(part, part->text);
    }
    reader->at += size + quoted;
    return part;
}

static struct part *read_choice(struct reader *reader);

static struct part *read_single(struct reader *reader)
{
    bool silent = *reader->at == '!';
    reader->at += silent;
    struct part *part;
    if (*reader->at == '(') {
        reader->at++;
        part = read_choice(reader);
        reader->at++;
    } else {
        part = read_word(reader);
    }
    part->silent = silent;
    if (!*reader->at || !strchr("?*+", *reader->at))
        return part;
    struct part *repeat = new_part(reader, PART_REPEAT);
    repeat->times = *reader->at++;
    add(reader, repeat, part);
    return repeat;
}

static struct part *read_sequence(struct reader *reader)
{
    struct part *part = new_part(reader, PART_SEQUENCE);
    for (;;) {
        reader->at += strspn(reader->at, " ");
        if (!*reader->at || *reader->at == '|' || *reader->at == ')')
            return part;
        add(reader, part, read_single(reader));
    }
}

static struct part *read_choice(struct reader *reader)
{
    struct part *part = new_part(reader, PART_CHOICE);
    add(reader, part, read_sequence(reader));
    while (*reader->at == '|') {
        reader->at++;
        add(reader, part, read_sequence(reader));
    }
    return part;
}

static void read_grammar(struct walk *walk)
{
    while (sql_grammar[walk->rules].name)
        walk->rules++;
    walk->bodies = sql_take(walk->c, walk->rules, sizeof(struct part *));
    walk->known = sql_take(walk->c, walk->rules * walk->c->token_count, sizeof(struct known));
    for (size_t i = 0; i < walk->rules; i++) {
        struct reader reader = {walk->c, sql_grammar[i].body};
        walk->bodies[i] = read_choice(&reader);
    }
}

/* --- the walk --- */

static void expect(struct walk *walk, size_t at, const char *label)
{
    if (at < walk->farthest)
        return;
    if (at > walk->farthest)
        walk->label_count = 0;
    walk->farthest = at;
    for (size_t i = 0; i < walk->label_count; i++)
        if (strcmp(walk->labels[i], label) == 0)
            return;
    if (walk->label_count < MOST_LABELS)
        walk->labels[walk->label_count++] = label;
}

static void add_end(struct walk *walk, struct ends *ends, size_t at)
{
    size_t i = ends->count;
    while (i && ends->at[i - 1] > at)
        i--;
    if (i && ends->at[i - 1] == at)
        return;
    ends->at = sql_push(walk->c, ends->at, &ends->count, sizeof *ends->at);
    memmove(ends->at + i + 1, ends->at + i, (ends->count - 1 - i) * sizeof *ends->at);
    ends->at[i] = at;
}

static struct ends walk_part(struct walk *walk, const struct part *part, size_t at, bool quiet);

static bool takes(const struct part *part, const struct sql_token *token)
{
    if (part->kind == PART_WORD)
        return token->keyword && strcmp(token->keyword, part->text) == 0;
    if (part->token != TOKEN_WORD)
        return token->kind == part->token;
    return token->kind == TOKEN_WORD ? !token->reserved
                                     : token->kind >= TOKEN_QUOTED && token->kind <= TOKEN_DIGITS;
}

static struct ends walk_token(struct walk *walk, const struct part *part, size_t at, bool quiet)
{
    struct ends ends = {0};
    if (takes(part, &walk->c->tokens[at]))
        add_end(walk, &ends, part->token == TOKEN_END && part->kind == PART_KIND ? at : at + 1);
    else if (!quiet)
        expect(walk, at,
               part->kind == PART_KIND ? part->text
                                       : sql_printf(&walk->c->arena, "'%s'", part->text));
    return ends;
}

static struct ends walk_rule(struct walk *walk, size_t rule, size_t at, bool quiet)
{
    struct known *known = &walk->known[at * walk->rules + rule];
    if (known->ends[quiet])
        return *known->ends[quiet];
    const char *label = sql_grammar[rule].label;
    if (label && !quiet)
        expect(walk, at, label);
    if (++walk->depth > DEEPEST)
        sql_fail(walk->c, 1, 1, "SYNTAX_ERROR",
                 "statement is too large (stack overflow while parsing)");
    struct ends *ends = sql_take(walk->c, 1, sizeof *ends);
    *ends = walk_part(walk, walk->bodies[rule], at, quiet || label);
    walk->depth--;
    known->ends[quiet] = ends;
    return *ends;
}

/* Quiet holds for the first token alone. */
static struct ends walk_from(struct walk *walk, const struct part *part, const struct ends *from,
                             size_t at, bool quiet)
{
    struct ends all = {0};
    for (size_t i = 0; i < from->count; i++) {
        struct ends ends = walk_part(walk, part, from->at[i], quiet && from->at[i] == at);
        for (size_t j = 0; j < ends.count; j++)
            add_end(walk, &all, ends.at[j]);
    }
    return all;
}

static struct ends walk_sequence(struct walk *walk, const struct part *part, size_t at, bool quiet)
{
    struct ends ends = {0};
    add_end(walk, &ends, at);
    for (size_t i = 0; i < part->count && ends.count; i++)
        ends = walk_from(walk, part->parts[i], &ends, at, quiet);
    return ends;
}

static struct ends walk_choice(struct walk *walk, const struct part *part, size_t at, bool quiet)
{
    struct ends all = {0};
    for (size_t i = 0; i < part->count; i++) {
        struct ends ends = walk_part(walk, part->parts[i], at, quiet);
        for (size_t j = 0; j < ends.count; j++)
            add_end(walk, &all, ends.at[j]);
    }
    return all;
}

static struct ends walk_repeat(struct walk *walk, const struct part *part, size_t at, bool quiet)
{
    struct ends all = {0}, last = {0};
    add_end(walk, &last, at);
    if (part->times != '+')
        add_end(walk, &all, at);
    do {
        struct ends next = walk_from(walk, part->parts[0], &last, at, quiet);
        last = (struct ends){0};
        for (size_t i = 0; i < next.count; i++) {
            size_t before = all.count;
            add_end(walk, &all, next.at[i]);
            if (all.count > before)
                add_end(walk, &last, next.at[i]);
        }
    } while (part->times != '?' && last.count);
    return all;
}

/* Before := Trino's parser has decided nothing, as a colon may follow the key of a JSON object. */
static bool is_assignment(const struct walk *walk, size_t at)
{
    const struct sql_token *token = &walk->c->tokens[at];
    return token->keyword && *token->keyword == ':' && token->start[1] == '=';
}

static struct ends walk_part(struct walk *walk, const struct part *part, size_t at, bool quiet)
{
    quiet = quiet || (part->silent && !is_assignment(walk, at));
    switch (part->kind) {
    case PART_RULE:
        return walk_rule(walk, part->rule, at, quiet);
    case PART_SEQUENCE:
        return walk_sequence(walk, part, at, quiet);
    case PART_CHOICE:
        return walk_choice(walk, part, at, quiet);
    case PART_REPEAT:
        return walk_repeat(walk, part, at, quiet);
    default:
        return walk_token(walk, part, at, quiet);
    }
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static _Noreturn void fail_expecting(struct walk *walk)
{
    const struct sql_token *token = &walk->c->tokens[walk->farthest];
    struct sql_text text = {.arena = &walk->c->arena};
    qsort(walk->labels, walk->label_count, sizeof *walk->labels, by_bytes);
    for (size_t i = 0; i < walk->label_count; i++)
        sql_text_printf(&text, "%s%s", i ? ", " : "", walk->labels[i]);
    bool end = token->kind == TOKEN_END;
    sql_fail_at(walk->c, token, "SYNTAX_ERROR", "mismatched input '%.*s'. Expecting: %s",
                end ? 5 : (int)(token->size < 500 ? token->size : 500),
                end ? "<EOF>" : token->start, sql_text_end(&text));
}

static _Noreturn void fail_without(struct sql_compiler *c)
{
    const struct sql_token *token = &c->tokens[c->at < c->token_count ? c->at : c->token_count - 1];
    sql_fail_at(c, token, "SYNTAX_ERROR", "mismatched input '%.*s'",
                (int)(token->size < 500 ? token->size : 500), token->start);
}

void sql_check_grammar(struct sql_compiler *compiler)
{
    if (compiler->token_count > MOST_TOKENS)
        fail_without(compiler);
    struct walk walk = {.c = compiler};
    read_grammar(&walk);
    struct ends ends = walk_rule(&walk, 0, 0, false);
    if (!ends.count)
        fail_expecting(&walk);
}

/* The parser takes less than the grammar in a few places; these are said plainly. */
void sql_fail_syntax(struct sql_compiler *compiler)
{
    sql_check_grammar(compiler);
    fail_without(compiler);
}
