/* The parts of a training step that are not matrix products, each in one pass over its numbers.

   bfloat16 numbers come as uint16_t: the upper half of a float32. Loops are plain C, in a form that compilers turn
   into vector instructions. Sums are taken over pieces of fixed size and added in a fixed order, so that the number of
   threads does not change a digit. */

/* A NaN has to stay one here: by it, training notices that something is wrong. */
#pragma GCC optimize("no-finite-math-only")

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

static inline float widen(uint16_t x) { return from_bits((uint32_t)x << 16); }

/* To the nearest, ties to even; NaN stays NaN. */
static inline uint16_t narrow(float x) {
    uint32_t bits = to_bits(x);
    uint32_t rounded = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? 0x7fc0u : rounded);
}

/* e^x for x <= 88, to 2 units in the last place: 2^n times a polynomial on [-ln 2 / 2, ln 2 / 2]. NaN stays NaN. */
static inline float exp_fast(float x) {
    x = x < -87.0f ? -87.0f : x; /* nothing that counts is below e^-87 */
    float n = rintf(x * 1.44269504f);
    float r = fmaf(n, -0.693145752f, x);
    r = fmaf(n, -1.42860677e-6f, r); /* ln 2 in two parts */
    float p = 1.0f / 720.0f;
    p = fmaf(p, r, 1.0f / 120.0f);
    p = fmaf(p, r, 1.0f / 24.0f);
    p = fmaf(p, r, 1.0f / 6.0f);
    p = fmaf(p, r, 0.5f);
    p = fmaf(p, r, 1.0f);
    p = fmaf(p, r, 1.0f);
    return p * from_bits((uint32_t)((int32_t)n + 127) << 23);
}

/* ---- The gradient's length and AdamW --------------------------------------------------------------------------- */

#define PIECE 4096

static float piece_squared(const void *x, int is_bf16, int64_t first, int64_t n) {
    float sum = 0.0f;
    if (is_bf16) {
        const uint16_t *h = (const uint16_t *)x + first;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n; i++) sum += widen(h[i]) * widen(h[i]);
    } else {
        const float *f = (const float *)x + first;
#pragma omp simd reduction(+ : sum)
        for (int64_t i = 0; i < n; i++) sum += f[i] * f[i];
    }
    return sum;
}

/* The sum of the squares of all numbers in `count` tensors. */
double nextword_squared_sum(int64_t count, const int64_t *sizes, const void **tensors, const uint8_t *is_bf16) {
    double total = 0.0;
    for (int64_t t = 0; t < count; t++) {
        int64_t pieces = (sizes[t] + PIECE - 1) / PIECE;
        double *sums = malloc(sizeof(double) * (size_t)(pieces ? pieces : 1));
        if (!sums) return NAN;
#pragma omp parallel for schedule(static) if (pieces > 8)
        for (int64_t i = 0; i < pieces; i++) {
            int64_t first = i * PIECE, left = sizes[t] - first;
            sums[i] = piece_squared(tensors[t], is_bf16[t], first, left < PIECE ? left : PIECE);
        }
        for (int64_t i = 0; i < pieces; i++) total += sums[i];
        free(sums);
    }
    return total;
}

/* One of AdamW's updates, of one number. */
#define UPDATE(gradient)                                     \
    float g = (gradient) * scale;                            \
    float m1 = m[i] + (g - m[i]) * rise1;                    \
    float v1 = v[i] + (g * g - v[i]) * rise2;                \
    float p1 = p[i] * keep - rate * m1 / (sqrtf(v1) * root + eps); \
    m[i] = m1;                                               \
    v[i] = v1;                                               \
    p[i] = p1;

/* AdamW on `count` tensors (Loshchilov and Hutter, algorithm 2), and a fresh bfloat16 copy of those that have one.

   gradients: float32 or bfloat16, as is_bf16 says; `scale` is multiplied into them first. copies[t] may be NULL.
   decay: each tensor's weight decay. step: the number of this update, from 1. */
void nextword_adamw(int64_t count, const int64_t *sizes, float **parameters, uint16_t **copies, const void **gradients,
                    const uint8_t *is_bf16, float **means, float **variances, const float *decay, double scale_,
                    double lr, double beta1, double beta2, double eps_, int64_t step) {
    const float scale = (float)scale_, rise1 = (float)(1.0 - beta1), rise2 = (float)(1.0 - beta2), eps = (float)eps_;
    const float rate = (float)(lr / (1.0 - pow(beta1, (double)step)));
    const float root = (float)(1.0 / sqrt(1.0 - pow(beta2, (double)step)));
#pragma omp parallel
    for (int64_t t = 0; t < count; t++) {
        const float keep = (float)(1.0 - lr * decay[t]);
        const int64_t pieces = (sizes[t] + PIECE - 1) / PIECE;
#pragma omp for schedule(static) nowait
        for (int64_t piece = 0; piece < pieces; piece++) {
            const int64_t first = piece * PIECE, left = sizes[t] - first, n = left < PIECE ? left : PIECE;
            float *restrict p = parameters[t] + first;
            float *restrict m = means[t] + first;
            float *restrict v = variances[t] + first;
            if (is_bf16[t]) {
                const uint16_t *restrict gradient = (const uint16_t *)gradients[t] + first;
                for (int64_t i = 0; i < n; i++) {
                    UPDATE(widen(gradient[i]))
                }
            } else {
                const float *restrict gradient = (const float *)gradients[t] + first;
                for (int64_t i = 0; i < n; i++) {
                    UPDATE(gradient[i])
                }
            }
            if (copies[t]) { /* the piece is still in the cache */
                uint16_t *restrict copy = copies[t] + first;
                for (int64_t i = 0; i < n; i++) copy[i] = narrow(p[i]);
            }
        }
    }
}

/* ---- The loss -------------------------------------------------------------------------------------------------- */

/* Each row's -ln p(target), and in the logits' own place their gradient times `scale` (unless scale is 0).

   logits (rows, V), rows `stride` numbers apart. A row stays in the cache between its three passes. */
#define SURPRISE(NAME, TYPE, READ, WRITE)                                                                        \
    void NAME(int64_t rows, int64_t V, int64_t stride, TYPE *logits, const int64_t *targets, float scale,        \
              float *surprise) {                                                                                 \
        _Pragma("omp parallel for schedule(static)") for (int64_t row = 0; row < rows; row++) {                  \
            TYPE *restrict x = logits + row * stride;                                                            \
            float highest = -INFINITY, sum = 0.0f;                                                               \
            _Pragma("omp simd reduction(max : highest)") for (int64_t i = 0; i < V; i++) {                       \
                float one = READ(x[i]);                                                                          \
                highest = one > highest ? one : highest;                                                         \
            }                                                                                                    \
            _Pragma("omp simd reduction(+ : sum)") for (int64_t i = 0; i < V; i++) sum +=                        \
                exp_fast(READ(x[i]) - highest);                                                                  \
            float log_sum = logf(sum) + highest;                                                                 \
            float target = READ(x[targets[row]]);                                                                \
            surprise[row] = log_sum - target;                                                                    \
            if (scale == 0.0f) continue;                                                                         \
            float factor = scale / sum;                                                                          \
            for (int64_t i = 0; i < V; i++) x[i] = WRITE(exp_fast(READ(x[i]) - highest) * factor);               \
            x[targets[row]] = WRITE((exp_fast(target - highest) / sum - 1.0f) * scale);                          \
        }                                                                                                        \
    }

#define SAME(x) (x)
SURPRISE(nextword_surprise_bf16, uint16_t, widen, narrow)
SURPRISE(nextword_surprise_f32, float, SAME, SAME)

/* ---- GELU ------------------------------------------------------------------------------------------------------ */

/* e^(-2 u) of u = sqrt(2 / pi) (x + 0.044715 x^3), for 0.5 (1 + tanh(u)) is 1 / (1 + e^(-2 u)). */
static inline float gate(float x) {
    float exponent = -1.5957691f * (x + 0.044715f * x * x * x);
    return exp_fast(exponent > 40.0f ? 40.0f : exponent); /* more makes no difference, and could overflow */
}

static inline float gelu(float x) { return x / (1.0f + gate(x)); }

static inline float gelu_slope(float x) {
    float e = gate(x), open = 1.0f / (1.0f + e);
    return open + x * open * (e * open) * 1.5957691f * (1.0f + 0.134145f * x * x);
}

/* y = gelu(x), and dx = dy times the slope at x: n numbers each. */
#define GELU(FORWARD, BACKWARD, TYPE, READ, WRITE)                                                       \
    void FORWARD(int64_t n, const TYPE *x, TYPE *y) {                                                    \
        _Pragma("omp parallel for simd schedule(static)") for (int64_t i = 0; i < n; i++) y[i] =         \
            WRITE(gelu(READ(x[i])));                                                                     \
    }                                                                                                    \
    void BACKWARD(int64_t n, const TYPE *x, const TYPE *dy, TYPE *dx) {                                  \
        _Pragma("omp parallel for simd schedule(static)") for (int64_t i = 0; i < n; i++) dx[i] =        \
            WRITE(READ(dy[i]) * gelu_slope(READ(x[i])));                                                 \
    }

GELU(nextword_gelu_bf16, nextword_gelu_backward_bf16, uint16_t, widen, narrow)
GELU(nextword_gelu_f32, nextword_gelu_backward_f32, float, SAME, SAME)

/* ---- Attention ------------------------------------------------------------------------------------------------- */

/* A number from 0 to 2^32 - 1 that looks random, but is the same for the same place and seed. */
static inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352du;
    x ^= x >> 15;
    x *= 0x846ca68bu;
    return x ^ (x >> 16);
}

/* Where a row's random numbers begin. */
static inline uint32_t row_seed(uint64_t seed, int64_t row) {
    return mix((uint32_t)seed + mix((uint32_t)(seed >> 32) + mix((uint32_t)row) + (uint32_t)(row >> 32)));
}

/* 0 for a weight that is dropped, else what it is multiplied with. */
static inline float kept(uint32_t of_row, int64_t i, uint32_t dropped, float factor) {
    return mix((uint32_t)i * 0x9e3779b9u + of_row) < dropped ? 0.0f : factor;
}

/* Scores to weights, in place: scores (groups, n, S), of which row r sees the first `visible + r` and the others get
   weight 0. log_sums (groups, n) is what backward needs to make the weights again. A share of `dropped` / 2^32 of the
   weights becomes 0 and the others are multiplied by `factor`; row_number says which random numbers are the first
   row's, group_rows how many later the next group's are. */
#define SOFTMAX(NAME, TYPE, READ, WRITE)                                                                            \
    void NAME(int64_t groups, int64_t n, int64_t S, int64_t visible, TYPE *scores, float scale, float *log_sums,    \
              uint32_t dropped, float factor, uint64_t seed, int64_t row_number, int64_t group_rows) {              \
        _Pragma("omp parallel for schedule(static)") for (int64_t row = 0; row < groups * n; row++) {               \
            TYPE *restrict x = scores + row * S;                                                                    \
            const int64_t seen = visible + row % n;                                                                 \
            float e[S], highest = -INFINITY, sum = 0.0f;                                                            \
            _Pragma("omp simd reduction(max : highest)") for (int64_t i = 0; i < seen; i++) {                       \
                float one = READ(x[i]);                                                                             \
                highest = one > highest ? one : highest;                                                            \
            }                                                                                                       \
            _Pragma("omp simd reduction(+ : sum)") for (int64_t i = 0; i < seen; i++) {                             \
                e[i] = exp_fast((READ(x[i]) - highest) * scale);                                                    \
                sum += e[i];                                                                                        \
            }                                                                                                       \
            log_sums[row] = logf(sum) + highest * scale;                                                            \
            const float one = 1.0f / sum;                                                                           \
            if (dropped) {                                                                                          \
                const uint32_t of_row = row_seed(seed, row_number + row / n * group_rows + row % n);                \
                for (int64_t i = 0; i < seen; i++) x[i] = WRITE(e[i] * one * kept(of_row, i, dropped, factor));     \
            } else {                                                                                                \
                for (int64_t i = 0; i < seen; i++) x[i] = WRITE(e[i] * one);                                        \
            }                                                                                                       \
            memset(x + seen, 0, sizeof(TYPE) * (size_t)(S - seen));                                                 \
        }                                                                                                           \
    }

/* The way back, in place: scores become the weights again, as the forward pass had them, and the gradient of those
   weights becomes the scores'. */
#define SOFTMAX_BACKWARD(NAME, TYPE, READ, WRITE)                                                                   \
    void NAME(int64_t groups, int64_t n, int64_t S, int64_t visible, TYPE *scores, TYPE *gradients, float scale,    \
              const float *log_sums, uint32_t dropped, float factor, uint64_t seed, int64_t row_number,             \
              int64_t group_rows) {                                                                                 \
        _Pragma("omp parallel for schedule(static)") for (int64_t row = 0; row < groups * n; row++) {               \
            TYPE *restrict x = scores + row * S;                                                                    \
            TYPE *restrict d = gradients + row * S;                                                                 \
            const int64_t seen = visible + row % n;                                                                 \
            const float log_sum = log_sums[row];                                                                    \
            float e[S], change[S], mean = 0.0f;                                                                     \
            for (int64_t i = 0; i < seen; i++) {                                                                    \
                e[i] = exp_fast(READ(x[i]) * scale - log_sum);                                                      \
                change[i] = READ(d[i]);                                                                             \
            }                                                                                                       \
            if (dropped) {                                                                                          \
                const uint32_t of_row = row_seed(seed, row_number + row / n * group_rows + row % n);                \
                for (int64_t i = 0; i < seen; i++) {                                                                \
                    float times = kept(of_row, i, dropped, factor);                                                 \
                    x[i] = WRITE(e[i] * times);                                                                     \
                    change[i] *= times;                                                                             \
                }                                                                                                   \
            } else {                                                                                                \
                for (int64_t i = 0; i < seen; i++) x[i] = WRITE(e[i]);                                              \
            }                                                                                                       \
            _Pragma("omp simd reduction(+ : mean)") for (int64_t i = 0; i < seen; i++) mean += e[i] * change[i];    \
            for (int64_t i = 0; i < seen; i++) d[i] = WRITE(e[i] * (change[i] - mean) * scale);                     \
            memset(x + seen, 0, sizeof(TYPE) * (size_t)(S - seen));                                                 \
            memset(d + seen, 0, sizeof(TYPE) * (size_t)(S - seen));                                                 \
        }                                                                                                           \
    }

SOFTMAX(nextword_softmax_bf16, uint16_t, widen, narrow)
SOFTMAX(nextword_softmax_f32, float, SAME, SAME)
SOFTMAX_BACKWARD(nextword_softmax_backward_bf16, uint16_t, widen, narrow)
SOFTMAX_BACKWARD(nextword_softmax_backward_f32, float, SAME, SAME)
