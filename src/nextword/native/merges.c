// Learning merges for byte-pair encoding: tokenizer/incremental.py in C. After each merge only what stood around the joined
// pairs is counted anew, so the time grows as what is joined and not as the text times the merges.
//
// All pieces stand in one array. A token is at its first byte, and minus its length at its last byte if it has several, so
// that the neighbours of a token are found without lists: the next begins where it ends, and the one before says how long
// it is. The pieces are in the order of their counts, so that the few different counts say how often any place stands in the
// text.

#include <stdlib.h>
#include <string.h>

#include "vectors.h"

enum { BOUNDARY = INT32_MIN, INTERIOR = -1, BYTES = 256 };

typedef struct {
    uint64_t pair;     // left << 32 | right, or EMPTY
    int64_t count;     // in the whole text
    uint32_t *places;  // where it was found, in ascending order; some are gone since
    uint32_t n;
} Pair;

typedef struct {
    int64_t count;
    uint64_t pair;
} Candidate;

typedef struct {
    int64_t count;
    uint32_t n, at;
} Tally;  // of the pairs that a new token makes with one neighbour

typedef struct Block {
    struct Block *next;
    uint32_t places[];
} Block;

typedef struct {
    int32_t *symbols;
    int64_t n_groups, *counts;  // pieces of equal count are a group
    uint32_t *ends;             // where each group ends
    Pair *table;                // open addressing; the size is a power of 2
    uint64_t size, used;
    Candidate *heap;  // the best first; counts may be too high, since they are mended only on top
    int64_t n_heap, heap_size;
    Block *blocks;
    int32_t n_tokens, most_tokens;
    uint8_t **bytes;
    uint32_t *lengths;
    uint64_t *prefixes;  // of eight bytes, as a number in their order
    Tally *left, *right;
    int32_t *touched;
} Learner;

static const uint64_t EMPTY = UINT64_MAX;

static inline uint64_t pair_of(int32_t left, int32_t right) { return (uint64_t)left << 32 | (uint32_t)right; }

// Compare two tokens as Python compares bytes.
static inline int compare(const Learner *l, uint32_t a, uint32_t b) {
    if (a == b) return 0;
    if (l->prefixes[a] != l->prefixes[b]) return l->prefixes[a] < l->prefixes[b] ? -1 : 1;
    const uint32_t na = l->lengths[a], nb = l->lengths[b];
    const int order = memcmp(l->bytes[a], l->bytes[b], na < nb ? na : nb);
    return order ? order : (na > nb) - (na < nb);
}

// Whether a is merged before b: the higher count, and among equals the greater pair of bytes.
static int before(const Learner *l, Candidate a, Candidate b) {
    if (a.count != b.count) return a.count > b.count;
    const int order = compare(l, a.pair >> 32, b.pair >> 32);
    return (order ? order : compare(l, (uint32_t)a.pair, (uint32_t)b.pair)) > 0;
}

static void sink(Learner *l) {
    Candidate *heap = l->heap, falling = heap[0];
    int64_t at = 0;
    for (int64_t child; (child = 2 * at + 1) < l->n_heap; at = child) {
        if (child + 1 < l->n_heap && before(l, heap[child + 1], heap[child])) child++;
        if (!before(l, heap[child], falling)) break;
        heap[at] = heap[child];
    }
    heap[at] = falling;
}

static int push(Learner *l, Candidate rising) {
    if (l->n_heap == l->heap_size) {
        const int64_t size = 2 * l->heap_size;
        Candidate *heap = realloc(l->heap, size * sizeof *heap);
        if (!heap) return 0;
        l->heap = heap, l->heap_size = size;
    }
    int64_t at = l->n_heap++;
    for (; at && before(l, rising, l->heap[(at - 1) / 2]); at = (at - 1) / 2) l->heap[at] = l->heap[(at - 1) / 2];
    l->heap[at] = rising;
    return 1;
}

// The place of a pair in the table: its own, or the empty one where it belongs.
static inline Pair *find(const Learner *l, uint64_t pair) {
    uint64_t at = (pair * 0x9E3779B97F4A7C15u) >> 20;
    while (1) {
        Pair *found = l->table + (at & (l->size - 1));
        if (found->pair == pair || found->pair == EMPTY) return found;
        at++;
    }
}

static int make_table(Learner *l, uint64_t size) {
    Pair *old = l->table, *table = malloc(size * sizeof *table);
    if (!table) return 0;
    const uint64_t old_size = l->size;
    for (uint64_t i = 0; i < size; i++) table[i].pair = EMPTY;
    l->table = table, l->size = size, l->used = 0;
    for (uint64_t i = 0; i < old_size; i++)
        if (old[i].pair != EMPTY && old[i].count > 0) {  // a pair that is gone does not come back
            *find(l, old[i].pair) = old[i];
            l->used++;
        }
    free(old);
    return 1;
}

static int add_pair(Learner *l, Pair added) {
    if (5 * (l->used + 1) > 3 * l->size) {
        uint64_t live = 0;
        for (uint64_t i = 0; i < l->size; i++) live += l->table[i].pair != EMPTY && l->table[i].count > 0;
        if (!make_table(l, 5 * live > l->size ? 2 * l->size : l->size)) return 0;
    }
    Pair *place = find(l, added.pair);
    l->used += place->pair == EMPTY;
    *place = added;
    return push(l, (Candidate){added.count, added.pair});
}

// How often a place stands in the text.
static inline int64_t count_at(const Learner *l, uint32_t place) {
    int64_t low = 0, high = l->n_groups - 1;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (place < l->ends[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return l->counts[low];
}

// Where the token before a place begins, or the place itself where a piece begins.
static inline uint32_t previous(const int32_t *symbols, uint32_t place) {
    const int32_t last = symbols[place - 1];
    return last == BOUNDARY ? place : last >= 0 ? place - 1 : place + last;
}

static int add_token(Learner *l, const uint8_t *left, uint32_t n_left, const uint8_t *right, uint32_t n_right) {
    const int32_t id = l->n_tokens;
    uint8_t *bytes = malloc(n_left + n_right);
    if (!bytes) return 0;
    memcpy(bytes, left, n_left);
    memcpy(bytes + n_left, right, n_right);
    l->bytes[id] = bytes, l->lengths[id] = n_left + n_right, l->prefixes[id] = 0;
    for (uint32_t i = 0; i < 8; i++) l->prefixes[id] = l->prefixes[id] << 8 | (i < n_left + n_right ? bytes[i] : 0);
    l->n_tokens++;
    return 1;
}

static uint32_t *add_block(Learner *l, uint64_t n) {
    Block *block = malloc(sizeof *block + n * sizeof(uint32_t));
    if (!block) return NULL;
    block->next = l->blocks;
    l->blocks = block;
    return block->places;
}

// Join a pair wherever it still stands, from left to right, and take what stood around it off the counts. Gives how many
// places are kept: those of the new token.
static uint32_t join(Learner *l, Pair *pair, int32_t new) {
    int32_t *s = l->symbols;
    const int32_t left = pair->pair >> 32, right = (int32_t)pair->pair;
    const uint32_t n_left = l->lengths[left], n_right = l->lengths[right];
    uint32_t kept = 0;
    for (uint32_t i = 0; i < pair->n; i++) {
        const uint32_t at = pair->places[i], middle = at + n_left, end = middle + n_right;
        if (s[at] != left || s[middle] != right) continue;
        const int64_t count = count_at(l, at);
        const uint32_t other = previous(s, at);
        // Beside a token that has just been made the pair was taken off then.
        if (other != at && s[other] != new) find(l, pair_of(s[other], left))->count -= count;
        if (s[end] >= 0) find(l, pair_of(right, s[end]))->count -= count;
        s[middle] = INTERIOR;
        s[end - 1] = -(int32_t)(n_left + n_right);
        s[at] = new;
        pair->places[kept++] = at;
    }
    return kept;
}

// Count the pairs that a new token makes with its neighbours. Gives 0 if there is no memory.
static int count_neighbours(Learner *l, const uint32_t *places, uint32_t n, int32_t new) {
    const int32_t *s = l->symbols;
    const uint32_t length = l->lengths[new];
    int64_t n_touched = 0, n_left;
    uint64_t total = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t other = previous(s, places[i]);
        if (other == places[i] || s[other] == new) continue;  // two new ones side by side are counted once, below
        Tally *tally = l->left + s[other];
        if (!tally->n++) l->touched[n_touched++] = s[other];
        tally->count += count_at(l, places[i]);
        total++;
    }
    n_left = n_touched;
    for (uint32_t i = 0; i < n; i++) {
        const int32_t other = s[places[i] + length];
        if (other < 0) continue;
        Tally *tally = l->right + other;
        if (!tally->n++) l->touched[n_touched++] = other;
        tally->count += count_at(l, places[i]);
        total++;
    }
    uint32_t *block = add_block(l, total), *free_places = block;
    if (!block) return 0;
    for (int64_t i = 0; i < n_touched; i++) {
        const int32_t other = l->touched[i];
        Tally *tally = (i < n_left ? l->left : l->right) + other;
        const uint64_t pair = i < n_left ? pair_of(other, new) : pair_of(new, other);
        if (!add_pair(l, (Pair){pair, tally->count, free_places, tally->n})) return 0;
        tally->at = free_places - block;
        free_places += tally->n;
    }
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t at = places[i], other = previous(s, at);
        if (other != at && s[other] != new) block[l->left[s[other]].at++] = other;
        if (s[at + length] >= 0) block[l->right[s[at + length]].at++] = at;
    }
    for (int64_t i = 0; i < n_touched; i++) (i < n_left ? l->left : l->right)[l->touched[i]] = (Tally){0, 0, 0};
    return 1;
}

// Find the next pair to join; NULL where none is left.
static Pair *best(Learner *l) {
    while (l->n_heap) {
        Pair *pair = find(l, l->heap[0].pair);
        const int64_t count = pair->pair == EMPTY ? 0 : pair->count;
        const int is_true = count == l->heap[0].count;
        if (count > 0 && !is_true)
            l->heap[0].count = count;
        else
            l->heap[0] = l->heap[--l->n_heap];
        sink(l);
        if (is_true) return pair;
    }
    return NULL;
}

EXPORT void nextword_merges_close(Learner *l) {
    for (Block *block = l->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    for (int32_t i = 0; i < l->n_tokens; i++) free(l->bytes[i]);
    free(l->symbols), free(l->counts), free(l->ends), free(l->table), free(l->heap);
    free(l->bytes), free(l->lengths), free(l->prefixes), free(l->left), free(l->right), free(l->touched);
    free(l);
}

// Lay out the pieces, those of the highest counts first.
static void lay_out(Learner *l, const uint8_t *text, const int64_t *starts, const int64_t *order, const int64_t *counts,
                    int64_t n) {
    uint32_t at = 0;
    l->symbols[at++] = BOUNDARY;
    for (int64_t i = 0; i < n; i++) {
        const int64_t piece = order[i];
        if (l->n_groups == 0 || l->counts[l->n_groups - 1] != counts[piece]) l->counts[l->n_groups++] = counts[piece];
        for (int64_t j = starts[piece]; j < starts[piece + 1]; j++) l->symbols[at++] = text[j];
        l->symbols[at++] = BOUNDARY;
        l->ends[l->n_groups - 1] = at;
    }
}

// Count all pairs of bytes. Gives 0 if there is no memory.
static int count_bytes(Learner *l, int64_t length) {
    Tally *tallies = calloc(BYTES * BYTES, sizeof *tallies);
    if (!tallies) return 0;
    const int32_t *s = l->symbols;
    uint64_t total = 0;
    for (int64_t i = 0, group = 0; i < length - 1; i++) {
        while (i >= l->ends[group]) group++;
        if (s[i] < 0 || s[i + 1] < 0) continue;
        Tally *tally = tallies + s[i] * BYTES + s[i + 1];
        tally->count += l->counts[group];
        tally->n++, total++;
    }
    uint32_t *block = add_block(l, total), at = 0;
    int is_done = block != NULL;
    for (int32_t i = 0; is_done && i < BYTES * BYTES; i++) {
        if (!tallies[i].n) continue;
        is_done = add_pair(l, (Pair){pair_of(i / BYTES, i % BYTES), tallies[i].count, block + at, tallies[i].n});
        tallies[i].at = at;
        at += tallies[i].n;
    }
    for (int64_t i = 0; is_done && i < length - 1; i++)
        if (s[i] >= 0 && s[i + 1] >= 0) block[tallies[s[i] * BYTES + s[i + 1]].at++] = i;
    free(tallies);
    return is_done;
}

// Begin with the bytes of n pieces. Piece i is text[starts[i] .. starts[i + 1]], and stands counts[i] times in the corpus;
// order has the pieces by descending counts, of which n_counts are different. At most `most` merges will be asked for.
// Gives NULL if there is no memory. All bytes and pieces together must be fewer than 2^31.
EXPORT Learner *nextword_merges_open(const uint8_t *text, const int64_t *starts, const int64_t *order, const int64_t *counts,
                                     int64_t n, int64_t n_counts, int32_t most) {
    Learner *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    const int64_t length = starts[n] + n + 1;
    l->most_tokens = BYTES + most;
    l->heap_size = BYTES;
    l->symbols = malloc(length * sizeof *l->symbols);
    l->counts = malloc((n_counts + 1) * sizeof *l->counts);
    l->ends = malloc((n_counts + 1) * sizeof *l->ends);
    l->heap = malloc(l->heap_size * sizeof *l->heap);
    l->bytes = malloc(l->most_tokens * sizeof *l->bytes);
    l->lengths = malloc(l->most_tokens * sizeof *l->lengths);
    l->prefixes = malloc(l->most_tokens * sizeof *l->prefixes);
    l->left = calloc(l->most_tokens, sizeof *l->left);
    l->right = calloc(l->most_tokens, sizeof *l->right);
    l->touched = malloc(2 * l->most_tokens * sizeof *l->touched);
    int is_open = l->symbols && l->counts && l->ends && l->heap && l->bytes && l->lengths && l->prefixes && l->left &&
                  l->right && l->touched && make_table(l, 1 << 16);
    for (int32_t i = 0; is_open && i < BYTES; i++) is_open = add_token(l, &(uint8_t){i}, 1, NULL, 0);
    if (is_open) {
        lay_out(l, text, starts, order, counts, n);
        is_open = count_bytes(l, length);
    }
    if (is_open) return l;
    nextword_merges_close(l);
    return NULL;
}

// Learn n more merges, each of two tokens: 0 to 255 are the bytes, 256 is the first merge. Gives how many there were, or -1
// if there is no memory.
EXPORT int32_t nextword_merges_learn(Learner *l, int32_t n, int32_t *merges) {
    for (int32_t i = 0; i < n; i++) {
        Pair *pair = best(l);
        if (!pair) return i;
        const int32_t left = pair->pair >> 32, right = (int32_t)pair->pair, new = l->n_tokens;
        if (!add_token(l, l->bytes[left], l->lengths[left], l->bytes[right], l->lengths[right])) return -1;
        const uint32_t *places = pair->places, kept = join(l, pair, new);
        pair->count = 0;
        if (!count_neighbours(l, places, kept, new)) return -1;
        merges[2 * i] = left, merges[2 * i + 1] = right;
    }
    return n;
}
