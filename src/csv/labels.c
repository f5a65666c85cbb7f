#include "csv/labels.h"

#include "parse/arena.h"

#include <stdlib.h>

struct slot {
    uint64_t head; /* the first eight bytes */
    uint32_t size;
    int32_t index; /* plus one; 0: free */
};

struct labels {
    struct slot *slots;
    size_t mask; /* slots less one, a power of two less one */
    struct csv_text *texts;
    uint64_t *met; /* by labels_tally */
    size_t count, capacity;
    struct arena bytes;
    int32_t letters[256]; /* texts of one byte: their index, plus one; 0: there is none */
};

enum { FIRST_SLOTS = 16 };

/* The first eight bytes as one number, unique for a given size up to eight. */
static inline uint64_t head_of(const char *data, size_t size)
{
    uint64_t head = 0;
    if (size >= 8) {
        memcpy(&head, data, 8);
    } else if (size >= 4) {
        uint32_t low, high;
        memcpy(&low, data, 4);
        memcpy(&high, data + size - 4, 4);
        head = low | (uint64_t)high << 8 * (size - 4);
    } else if (size) {
        const unsigned char *bytes = (const unsigned char *)data;
        head = bytes[0] | (uint64_t)bytes[size / 2] << 8 * (size / 2) |
               (uint64_t)bytes[size - 1] << 8 * (size - 1);
    }
    return head;
}

static inline size_t hash_of(uint64_t head, const char *data, size_t size)
{
    uint64_t hash = (head ^ size) * 0x9E3779B97F4A7C15u;
    for (size_t at = 8; at < size; at += 8)
        hash = (hash ^ hash >> 29 ^ head_of(data + at, size - at)) * 0x9E3779B97F4A7C15u;
    return (size_t)(hash ^ hash >> 32);
}

/* The slot that holds the text, or the free one where it would go. */
static inline struct slot *seek(const struct labels *labels, uint64_t head, struct csv_text text)
{
    size_t at = hash_of(head, text.bytes, text.size) & labels->mask;
    for (;; at = (at + 1) & labels->mask) {
        struct slot *slot = &labels->slots[at];
        if (!slot->index)
            return slot;
        if (slot->head == head && slot->size == text.size &&
            (text.size <= 8 ||
             memcmp(labels->texts[slot->index - 1].bytes + 8, text.bytes + 8, text.size - 8) == 0))
            return slot;
    }
}

struct labels *labels_new(void)
{
    struct labels *labels = calloc(1, sizeof *labels);
    if (!labels)
        return NULL;
    labels->slots = calloc(FIRST_SLOTS, sizeof *labels->slots);
    labels->mask = FIRST_SLOTS - 1;
    if (!labels->slots) {
        free(labels);
        return NULL;
    }
    return labels;
}

void labels_free(struct labels *labels)
{
    if (!labels)
        return;
    arena_free(&labels->bytes);
    free(labels->texts);
    free(labels->met);
    free(labels->slots);
    free(labels);
}

/* Twice the slots, so that at most half are taken. */
static bool grow_slots(struct labels *labels)
{
    size_t old = labels->mask + 1;
    struct slot *slots = calloc(old * 2, sizeof *slots);
    if (!slots)
        return false;
    free(labels->slots);
    labels->slots = slots;
    labels->mask = old * 2 - 1;
    for (size_t i = 0; i < labels->count; i++) {
        struct csv_text text = labels->texts[i];
        uint64_t head = head_of(text.bytes, text.size);
        *seek(labels, head, text) = (struct slot){head, (uint32_t)text.size, (int32_t)i + 1};
    }
    return true;
}

static bool grow_texts(struct labels *labels)
{
    size_t capacity = labels->capacity ? labels->capacity * 2 : 8;
    struct csv_text *texts = realloc(labels->texts, capacity * sizeof *texts);
    if (!texts)
        return false;
    labels->texts = texts;
    uint64_t *met = realloc(labels->met, capacity * sizeof *met);
    if (!met)
        return false;
    labels->met = met;
    labels->capacity = capacity;
    return true;
}

int32_t labels_add(struct labels *labels, struct csv_text text)
{
    uint64_t head = head_of(text.bytes, text.size);
    struct slot *slot = seek(labels, head, text);
    if (slot->index)
        return slot->index - 1;
    if (labels->count >= INT32_MAX - 1)
        return LABELS_FULL;
    if (labels->count == labels->capacity && !grow_texts(labels))
        return LABELS_FULL;
    if (labels->count * 2 > labels->mask) {
        if (!grow_slots(labels))
            return LABELS_FULL;
        slot = seek(labels, head, text);
    }
    char *copy = arena_copy(&labels->bytes, text.bytes, text.size);
    if (!copy)
        return LABELS_FULL;
    labels->met[labels->count] = 0;
    labels->texts[labels->count++] = text_of(copy, text.size);
    *slot = (struct slot){head, (uint32_t)text.size, (int32_t)labels->count};
    if (text.size == 1)
        labels->letters[(unsigned char)*text.bytes] = slot->index;
    return slot->index - 1;
}

/* Codes of one letter are frequent, and which of them a row has no branch would foresee. */
static inline int32_t find(const struct labels *labels, struct csv_text text)
{
    return text.size == 1 ? labels->letters[(unsigned char)*text.bytes] - 1
                          : seek(labels, head_of(text.bytes, text.size), text)->index - 1;
}

int32_t labels_find(const struct labels *labels, struct csv_text text)
{
    return find(labels, text);
}

bool labels_find_all(const struct labels *labels, const struct csv_text *texts, size_t count,
                     double *out)
{
    bool known = true;
    for (size_t i = 0; i < count; i++) {
        int32_t index = -1;
        if (texts[i].bytes)
            index = find(labels, texts[i]);
        out[i] = index;
        known &= index >= 0;
    }
    return known;
}

bool labels_tally(struct labels *labels, const struct csv_text *texts, size_t count,
                  const unsigned char *skipped)
{
    for (size_t i = 0; i < count; i++) {
        if (!texts[i].bytes || (skipped && skipped[i]))
            continue;
        int32_t index = find(labels, texts[i]);
        if (index < 0)
            index = labels_add(labels, texts[i]);
        if (index < 0)
            return false;
        labels->met[index]++;
    }
    return true;
}

uint64_t labels_met(const struct labels *labels, size_t index)
{
    return labels->met[index];
}

size_t labels_count(const struct labels *labels)
{
    return labels->count;
}

struct csv_text labels_text(const struct labels *labels, size_t index)
{
    return labels->texts[index];
}
