// What the kinds of matrix products share. Each kind has a file of its own; matmul.c chooses among them.

#ifndef NEXTWORD_PANELS_H
#define NEXTWORD_PANELS_H

#include "matmul.h"

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#define VECTORS (PANEL / LANES)
#define AHEAD 1024       // words to fetch ahead of their use

// All of these make a thread's share of a product for at most ROWS_AT_ONCE rows; see `matmul`.
#define PRODUCT(name)                                                                                              \
    void name(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy, Finish finish, Crew crew)
PRODUCT(out_in_product);   // F32_OUT_IN, where it lies
PRODUCT(in_out_product);   // F32_IN_OUT, where it lies; at most FEW_ROWS rows
PRODUCT(product_by_parts); // either, for many rows
PRODUCT(packed_product);   // BF16, INT8, INT4, on any machine
PRODUCT(product_of_quads); // INT8, INT4, in whole numbers: where there is WITH_QUADS
PRODUCT(product_of_pairs); // BF16, INT8, INT4, in bfloat16: where there is WITH_PAIRS

#ifdef __AVX512VNNI__
#define WITH_QUADS
#endif
#ifdef __AVX512BF16__
#define WITH_PAIRS
#define MANY_ROWS 16   // from here on AMX is used, if it is on
extern int amx_is_on;  // see nextword_use_amx
#endif

static inline void finish_row(const float *sums, const float *bias, float *y, int n, Finish finish) {
    for (int i = 0; i < n; i++) {
        float value = sums[i] + (bias ? bias[i] : 0);
        y[i] = finish == ADD ? y[i] + value : value;
    }
    if (finish == GELU)
        for (int i = 0; i < n; i++) y[i] = gelu(y[i]);
}

// The sums of one panel become numbers of y.
static inline void finish_panel(const Matrix *m, ptrdiff_t p, float (*sums)[PANEL], int rows, float *y, ptrdiff_t ldy, Finish finish) {
    const int first = p * PANEL, n = m->n_out - first < PANEL ? m->n_out - first : PANEL;
    for (int r = 0; r < rows; r++)
        finish_row(sums[r], m->bias ? m->bias + first : NULL, y + r * ldy + first, n, finish);
}

// ---- panels ----
//
// A panel holds PANEL outputs. Its words of 32 bits follow the inputs: first those of the first few inputs for all
// outputs of the panel, then those of the next. One word holds the weights of 2, 4 or 8 successive inputs for one output;
// of INT4, a byte holds those of the inputs i and i + 4, so that the lower halves of four bytes are successive inputs.
//
// Whole numbers become floats without being converted: put behind the point of 1.0, q turns it into 1 + q / 2^bits.
// So an output is  sum of x (least + step q)  =  step 2^bits  sum of x (1 + q / 2^bits)  +  (least - step 2^bits)  sum of x.

INLINE int inputs_per_word(int format) { return format == INT4 ? 8 : format == INT8 ? 4 : format == BF16 ? 2 : 1; }

// The k-th weight in each of these words; of INT8 and INT4 the float 1 + q / 2^bits.
INLINE floats unpack(int format, words w, int k) {
    if (format == F32_OUT_IN) return (floats)w;
    if (format == BF16) {
        words upper = k == 0 ? (words)(w << 16) : (words)(w & 0xffff0000u);
        return (floats)upper;
    }
    const int bits = format == INT8 ? 8 : 4, from = 8 * (k % 4) + 4 * (k / 4), to = 23 - bits;
    words q = from <= to ? w << (to - from) : w >> (from - to);
    return (floats)((q & (((1u << bits) - 1) << to)) | 0x3f800000u);
}

// One panel times `rows` rows of x, added up in sums; format and rows are constants where this is called.
INLINE void panel_sums(const int format, const int rows, const uint32_t *w, const uint32_t *scales, int n_in,
                       const float *x, ptrdiff_t ldx, floats (*sums)[VECTORS]) {
    const int step = inputs_per_word(format), stretch = format == INT4 ? GROUP : n_in;
    for (int start = 0; start < n_in; start += stretch) {
        floats part[MOST_ROWS][VECTORS] = {0};
        float x_sums[MOST_ROWS] = {0};
        for (int i = start; i < start + stretch; i += step, w += PANEL) {
            words packed[VECTORS];
            for (int v = 0; v < VECTORS; v++) {
                __builtin_prefetch(w + AHEAD + LANES * v);
                packed[v] = load_words(w + LANES * v);
            }
            for (int k = 0; k < step; k++) {
                floats weights[VECTORS];
                for (int v = 0; v < VECTORS; v++) weights[v] = unpack(format, packed[v], k);
                for (int r = 0; r < rows; r++) {
                    const float xi = x[r * ldx + i + k];
                    for (int v = 0; v < VECTORS; v++) part[r][v] += weights[v] * xi;
                    if (format == INT8 || format == INT4) x_sums[r] += xi;
                }
            }
        }
        for (int v = 0; v < VECTORS; v++) {
            floats times = {0}, plus = {0};
            if (format == INT8) times = load((const float *)scales + LANES * v) * 256, plus = times * -1.5f;
            if (format == INT4) {
                words pair = load_words(scales + LANES * v);
                times = (floats)(pair & 0xffff0000u) * 16, plus = (floats)(pair << 16) - times;
            }
            for (int r = 0; r < rows; r++)
                sums[r][v] += format == INT8 || format == INT4 ? part[r][v] * times + plus * x_sums[r] : part[r][v];
        }
        scales += PANEL;
    }
}

#endif
