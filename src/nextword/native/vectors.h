// Sixteen numbers at a time: what the kernels of this room are written in.
// GCC turns these into AVX-512, AVX2 or NEON, whatever the machine has.

#ifndef NEXTWORD_VECTORS_H
#define NEXTWORD_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define INLINE static inline __attribute__((always_inline))

// Calls f(rows, ...) with the number of rows, 1 to MOST_ROWS, as a constant, so that each has its sums in registers.
#define MOST_ROWS 6
#define WITH_ROWS(rows, f, ...)             \
    switch (rows) {                         \
        case 1: f(1, __VA_ARGS__); break;   \
        case 2: f(2, __VA_ARGS__); break;   \
        case 3: f(3, __VA_ARGS__); break;   \
        case 4: f(4, __VA_ARGS__); break;   \
        case 5: f(5, __VA_ARGS__); break;   \
        default: f(6, __VA_ARGS__);         \
    }

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef uint32_t words __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));
typedef uint16_t halves __attribute__((vector_size(2 * LANES)));

// The same where they lie in memory: anywhere, and perhaps declared as something else.
typedef floats floats_in_memory __attribute__((aligned(4), may_alias));
typedef words words_in_memory __attribute__((aligned(4), may_alias));
typedef halves halves_in_memory __attribute__((aligned(2), may_alias));

static inline floats load(const float *p) { return *(const floats_in_memory *)p; }
static inline void store(float *p, floats v) { *(floats_in_memory *)p = v; }
static inline words load_words(const uint32_t *p) { return *(const words_in_memory *)p; }

static inline float sum(floats v) {
    float total = 0;
    for (int i = 0; i < LANES; i++) total += v[i];
    return total;
}

// bfloat16 is the upper half of a float32.
static inline float from_bf16(uint16_t x) {
    uint32_t bits = (uint32_t)x << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}

// To the nearest, halfway cases to even.
static inline uint16_t to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return (uint16_t)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

static inline floats load_bf16(const uint16_t *p) {
    return (floats)(__builtin_convertvector(*(const halves_in_memory *)p, words) << 16);
}

static inline ptrdiff_t round_up(ptrdiff_t n, ptrdiff_t multiple) { return (n + multiple - 1) / multiple * multiple; }

#endif
