// The parts of a training step that are not matrix products, each in one pass over its numbers.
//
// Loops are plain C, in a form that compilers turn into vector instructions. Sums are taken over pieces of fixed size
// and added in a fixed order, so that the number of threads does not change a digit.

// A NaN has to stay one here: by it, training notices that something is wrong.
#pragma GCC optimize("no-finite-math-only")

#include <stdlib.h>

#include "vectors.h"

#define PIECE 4096

static inline ptrdiff_t length_of_piece(ptrdiff_t n, ptrdiff_t piece) {
    return n - piece * PIECE < PIECE ? n - piece * PIECE : PIECE;
}

// ---- the gradient's length and AdamW ----

INLINE void squared(const int is_bf16, const void *x, ptrdiff_t n, double *sum) {
    float total = 0;
#pragma omp simd reduction(+ : total)
    for (ptrdiff_t i = 0; i < n; i++) total += get(is_bf16, x, i) * get(is_bf16, x, i);
    *sum = total;
}

// The sum of the squares of all numbers in `count` tensors.
EXPORT double nextword_squared_sum(ptrdiff_t count, const int64_t *sizes, const void **tensors, const uint8_t *is_bf16) {
    double total = 0;
    for (ptrdiff_t t = 0; t < count; t++) {
        const ptrdiff_t pieces = (sizes[t] + PIECE - 1) / PIECE;
        double *sums = malloc(sizeof(double) * (pieces ? pieces : 1));
        if (!sums) return NAN;
#pragma omp parallel for schedule(static) if (pieces > 8)
        for (ptrdiff_t i = 0; i < pieces; i++) {
            const void *x = at(is_bf16[t], tensors[t], i * PIECE);
            WITH_FORMAT(is_bf16[t], squared, x, length_of_piece(sizes[t], i), sums + i)
        }
        for (ptrdiff_t i = 0; i < pieces; i++) total += sums[i];
        free(sums);
    }
    return total;
}

// What one of AdamW's updates does to every number; see `nextword_adamw`.
typedef struct {
    float scale, rise1, rise2, rate, root, eps;
} Update;

INLINE void update(const int is_bf16, const void *restrict gradient, ptrdiff_t n, float *restrict p, float *restrict m,
                   float *restrict v, float keep, Update u) {
    const float scale = u.scale, rise1 = u.rise1, rise2 = u.rise2, rate = u.rate, root = u.root, eps = u.eps;
    for (ptrdiff_t i = 0; i < n; i++) {
        const float g = get(is_bf16, gradient, i) * scale;
        const float m1 = m[i] + (g - m[i]) * rise1, v1 = v[i] + (g * g - v[i]) * rise2;
        p[i] = p[i] * keep - rate * m1 / (sqrtf(v1) * root + eps);
        m[i] = m1;
        v[i] = v1;
    }
}

static inline void to_copy(const float *restrict p, ptrdiff_t n, uint16_t *restrict copy) {
    for (ptrdiff_t i = 0; i < n; i++) copy[i] = to_bf16(p[i]);
}

// AdamW on `count` tensors (Loshchilov and Hutter, algorithm 2), and a fresh bfloat16 copy of those that have one.
//
// gradients: float32 or bfloat16, as is_bf16 says; `scale` is multiplied into them first. copies[t] may be NULL.
// decay: each tensor's weight decay. step: the number of this update, from 1.
EXPORT void nextword_adamw(ptrdiff_t count, const int64_t *sizes, float **parameters, uint16_t **copies,
                           const void **gradients, const uint8_t *is_bf16, float **means, float **variances,
                           const float *decay, double scale, double lr, double beta1, double beta2, double eps,
                           ptrdiff_t step) {
    const float rate = (float)(lr / (1.0 - pow(beta1, (double)step)));
    const float root = (float)(1.0 / sqrt(1.0 - pow(beta2, (double)step)));
    const Update u = {(float)scale, (float)(1.0 - beta1), (float)(1.0 - beta2), rate, root, (float)eps};
#pragma omp parallel
    for (ptrdiff_t t = 0; t < count; t++) {
        const float keep = (float)(1.0 - lr * decay[t]);
        const ptrdiff_t pieces = (sizes[t] + PIECE - 1) / PIECE;
#pragma omp for schedule(static) nowait
        for (ptrdiff_t piece = 0; piece < pieces; piece++) {
            const ptrdiff_t first = piece * PIECE, n = length_of_piece(sizes[t], piece);
            const void *gradient = at(is_bf16[t], gradients[t], first);
            float *p = parameters[t] + first, *m = means[t] + first, *v = variances[t] + first;
            WITH_FORMAT(is_bf16[t], update, gradient, n, p, m, v, keep, u)
            if (copies[t]) to_copy(p, n, copies[t] + first);  // the piece is still in the cache
        }
    }
}

// ---- the loss ----

// A row stays in the cache between its three passes.
INLINE void surprisal_of_row(const int is_bf16, void *restrict x, ptrdiff_t V, ptrdiff_t target, float scale,
                             float *surprisal) {
    float highest = -INFINITY, sum = 0;
#pragma omp simd reduction(max : highest)
    for (ptrdiff_t i = 0; i < V; i++) highest = get(is_bf16, x, i) > highest ? get(is_bf16, x, i) : highest;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < V; i++) sum += exp_fast(get(is_bf16, x, i) - highest);
    const float of_target = get(is_bf16, x, target), factor = scale / sum;
    *surprisal = logf(sum) + highest - of_target;
    if (scale == 0) return;
    for (ptrdiff_t i = 0; i < V; i++) set(is_bf16, x, i, exp_fast(get(is_bf16, x, i) - highest) * factor);
    set(is_bf16, x, target, (exp_fast(of_target - highest) / sum - 1) * scale);
}

// Each row's -ln p(target), and in the place of the logits (rows, V) their gradient times `scale`, unless that is 0.
EXPORT void nextword_surprisal(int is_bf16, ptrdiff_t rows, ptrdiff_t V, void *logits, const int64_t *targets,
                               float scale, float *surprisals) {
#pragma omp parallel for schedule(static)
    for (ptrdiff_t row = 0; row < rows; row++) {
        void *x = at(is_bf16, logits, row * V);
        WITH_FORMAT(is_bf16, surprisal_of_row, x, V, targets[row], scale, surprisals + row)
    }
}

// ---- GELU ----

static inline float gelu_slope(float x) {
    const float e = gelu_gate(x), open = 1 / (1 + e);
    return open + x * open * (e * open) * 1.5957691f * (1 + 0.134145f * x * x);
}

INLINE void gelu_piece(const int is_bf16, const void *restrict x, ptrdiff_t n, void *restrict y) {
    for (ptrdiff_t i = 0; i < n; i++) set(is_bf16, y, i, gelu(get(is_bf16, x, i)));
}

INLINE void gelu_backward_piece(const int is_bf16, const void *restrict x, ptrdiff_t n, const void *restrict dy,
                                void *restrict dx) {
    for (ptrdiff_t i = 0; i < n; i++) set(is_bf16, dx, i, get(is_bf16, dy, i) * gelu_slope(get(is_bf16, x, i)));
}

// y = gelu(x), n numbers.
EXPORT void nextword_gelu(int is_bf16, ptrdiff_t n, const void *x, void *y) {
#pragma omp parallel for schedule(static)
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        const ptrdiff_t length = length_of_piece(n, first / PIECE);
        WITH_FORMAT(is_bf16, gelu_piece, at(is_bf16, x, first), length, at(is_bf16, y, first))
    }
}

// dx = dy times the slope of GELU at x, n numbers each.
EXPORT void nextword_gelu_backward(int is_bf16, ptrdiff_t n, const void *x, const void *dy, void *dx) {
#pragma omp parallel for schedule(static)
    for (ptrdiff_t first = 0; first < n; first += PIECE) {
        const ptrdiff_t length = length_of_piece(n, first / PIECE);
        void *to = at(is_bf16, dx, first);
        WITH_FORMAT(is_bf16, gelu_backward_piece, at(is_bf16, x, first), length, at(is_bf16, dy, first), to)
    }
}

// ---- attention ----

// Which weights are dropped: a share of `below` / 2^32 of them, and the others are multiplied by `factor`.
typedef struct {
    uint32_t of_row, below;
    float factor;
} Dropout;

// A number from 0 to 2^32 - 1 that looks random, but is the same for the same place and seed.
static inline uint32_t mix(uint32_t x) {
    x ^= x >> 16;
    x *= 0x7feb352d;
    x ^= x >> 15;
    x *= 0x846ca68b;
    return x ^ (x >> 16);
}

// Where a row's random numbers begin.
static inline uint32_t row_seed(uint64_t seed, ptrdiff_t row) {
    return mix((uint32_t)seed + mix((uint32_t)(seed >> 32) + mix((uint32_t)row) + (uint32_t)(row >> 32)));
}

// 0 for a weight that is dropped, else what it is multiplied with.
static inline float kept(Dropout d, ptrdiff_t i) {
    return mix((uint32_t)i * 0x9e3779b9 + d.of_row) < d.below ? 0 : d.factor;
}

INLINE void softmax_row(const int is_bf16, void *restrict x, ptrdiff_t seen, ptrdiff_t S, float scale, float *log_sum,
                        Dropout d) {
    float e[S], highest = -INFINITY, sum = 0;
#pragma omp simd reduction(max : highest)
    for (ptrdiff_t i = 0; i < seen; i++) highest = get(is_bf16, x, i) > highest ? get(is_bf16, x, i) : highest;
#pragma omp simd reduction(+ : sum)
    for (ptrdiff_t i = 0; i < seen; i++) sum += e[i] = exp_fast((get(is_bf16, x, i) - highest) * scale);
    *log_sum = logf(sum) + highest * scale;
    const float one = 1 / sum;
    if (d.below)
        for (ptrdiff_t i = 0; i < seen; i++) set(is_bf16, x, i, e[i] * one * kept(d, i));
    else
        for (ptrdiff_t i = 0; i < seen; i++) set(is_bf16, x, i, e[i] * one);
    memset(at(is_bf16, x, seen), 0, (S - seen) * (is_bf16 ? 2 : 4));
}

INLINE void softmax_backward_row(const int is_bf16, void *restrict x, ptrdiff_t seen, ptrdiff_t S, void *restrict dx,
                                 float scale, float log_sum, Dropout d) {
    float e[S], change[S], mean = 0;
    for (ptrdiff_t i = 0; i < seen; i++) {
        e[i] = exp_fast(get(is_bf16, x, i) * scale - log_sum);
        change[i] = get(is_bf16, dx, i);
    }
    if (d.below)
        for (ptrdiff_t i = 0; i < seen; i++) {
            const float times = kept(d, i);
            set(is_bf16, x, i, e[i] * times);
            change[i] *= times;
        }
    else
        for (ptrdiff_t i = 0; i < seen; i++) set(is_bf16, x, i, e[i]);
#pragma omp simd reduction(+ : mean)
    for (ptrdiff_t i = 0; i < seen; i++) mean += e[i] * change[i];
    for (ptrdiff_t i = 0; i < seen; i++) set(is_bf16, dx, i, e[i] * (change[i] - mean) * scale);
    memset(at(is_bf16, x, seen), 0, (S - seen) * (is_bf16 ? 2 : 4));
    memset(at(is_bf16, dx, seen), 0, (S - seen) * (is_bf16 ? 2 : 4));
}

// Scores to weights, in place: scores (groups, n, S), of which row r sees the first `visible + r` and the others get
// weight 0. log_sums (groups, n) is what backward needs to make the weights again. A share of `below` / 2^32 of the
// weights becomes 0 and the others are multiplied by `factor`; row_number says which random numbers are the first
// row's, group_rows how many later the next group's are.
EXPORT void nextword_softmax(int is_bf16, ptrdiff_t groups, ptrdiff_t n, ptrdiff_t S, ptrdiff_t visible, void *scores,
                             float scale, float *log_sums, uint32_t below, float factor, uint64_t seed,
                             ptrdiff_t row_number, ptrdiff_t group_rows) {
#pragma omp parallel for schedule(static)
    for (ptrdiff_t row = 0; row < groups * n; row++) {
        const Dropout d = {row_seed(seed, row_number + row / n * group_rows + row % n), below, factor};
        void *x = at(is_bf16, scores, row * S);
        WITH_FORMAT(is_bf16, softmax_row, x, visible + row % n, S, scale, log_sums + row, d)
    }
}

// The way back, in place: scores become the weights again, as the forward pass had them, and the gradient of those
// weights becomes the scores'.
EXPORT void nextword_softmax_backward(int is_bf16, ptrdiff_t groups, ptrdiff_t n, ptrdiff_t S, ptrdiff_t visible,
                                      void *scores, void *gradients, float scale, const float *log_sums, uint32_t below,
                                      float factor, uint64_t seed, ptrdiff_t row_number, ptrdiff_t group_rows) {
#pragma omp parallel for schedule(static)
    for (ptrdiff_t row = 0; row < groups * n; row++) {
        const Dropout d = {row_seed(seed, row_number + row / n * group_rows + row % n), below, factor};
        void *x = at(is_bf16, scores, row * S), *dx = at(is_bf16, gradients, row * S);
        WITH_FORMAT(is_bf16, softmax_backward_row, x, visible + row % n, S, dx, scale, log_sums[row], d)
    }
}
