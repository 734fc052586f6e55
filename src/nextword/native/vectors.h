// What the kernels of this room are written in: sixteen numbers at a time, in float32 or bfloat16.
// GCC turns these into AVX-512, AVX2 or NEON, whatever the machine has.
//
// What Python calls is marked EXPORT and begins with nextword_; calling.py has the signatures. All else stays in the
// library. A function's rarely changing arguments come first, and are constants where it is INLINE.

#ifndef NEXTWORD_VECTORS_H
#define NEXTWORD_VECTORS_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define LANES 16
#define EXPORT __attribute__((visibility("default")))
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

// Calls f(is_bf16, ...) with 1 or 0 as a constant, so that each format has loops of its own.
#define WITH_FORMAT(is_bf16, f, ...)        \
    if (is_bf16) f(1, __VA_ARGS__);         \
    else f(0, __VA_ARGS__);

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

static inline float from_bits(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static inline uint32_t to_bits(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    return bits;
}

// ---- bfloat16: the upper half of a float32 ----

static inline float from_bf16(uint16_t x) { return from_bits((uint32_t)x << 16); }

// To the nearest, halfway cases to even; NaN stays NaN.
static inline uint16_t to_bf16(float x) {
    const uint32_t bits = to_bits(x), rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    return (bits & 0x7fffffff) > 0x7f800000 ? 0x7fc0 : rounded;
}

static inline floats load_bf16(const uint16_t *p) {
    return (floats)(__builtin_convertvector(*(const halves_in_memory *)p, words) << 16);
}

// Number i of an array in either format, and a pointer to it.
INLINE float get(const int is_bf16, const void *x, ptrdiff_t i) {
    return is_bf16 ? from_bf16(((const uint16_t *)x)[i]) : ((const float *)x)[i];
}

INLINE void set(const int is_bf16, void *x, ptrdiff_t i, float value) {
    if (is_bf16) ((uint16_t *)x)[i] = to_bf16(value);
    else ((float *)x)[i] = value;
}

INLINE void *at(const int is_bf16, const void *x, ptrdiff_t i) { return (char *)x + i * (is_bf16 ? 2 : 4); }

// ---- exp and GELU ----

// e^x for x <= 88, to 2 units in the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. NaN stays NaN.
static inline float exp_fast(float x) {
    x = x < -87 ? -87 : x;  // nothing that counts is below e^-87
    const float n = rintf(x * 1.44269504f);
    const float r = fmaf(n, -1.42860677e-6f, fmaf(n, -0.693145752f, x));  // ln 2 in two parts
    float p = 1.0f / 720;
    p = fmaf(p, r, 1.0f / 120);
    p = fmaf(p, r, 1.0f / 24);
    p = fmaf(p, r, 1.0f / 6);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1);
    p = fmaf(p, r, 1);
    return p * from_bits((uint32_t)((int32_t)n + 127) << 23);
}

// e^(-2 u) of u = sqrt(2 / pi) (x + 0.044715 x^3), for 0.5 (1 + tanh(u)) is 1 / (1 + e^(-2 u)).
static inline float gelu_gate(float x) {
    const float exponent = -1.5957691f * (x + 0.044715f * x * x * x);
    return exp_fast(exponent > 40 ? 40 : exponent);  // more makes no difference, and could overflow
}

static inline float gelu(float x) { return x / (1 + gelu_gate(x)); }

static inline ptrdiff_t round_up(ptrdiff_t n, ptrdiff_t multiple) { return (n + multiple - 1) / multiple * multiple; }

#endif
