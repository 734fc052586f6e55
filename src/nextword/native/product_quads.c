// Products of INT8 and INT4 weights with inputs that are rounded to 8 bits, in whole numbers (AVX-512 VNNI).

#include "panels.h"

#ifdef WITH_QUADS

// x in whole numbers: an input is step * q, with q from -127 to 127 and a step for each GROUP of inputs.
typedef struct {
    const int32_t *quads;  // (rows, n_in / 4): four inputs in a word
    const float *steps;    // (rows, groups)
    const float *sums;     // (rows, groups): of each group's inputs, as rounded
} Rounded;

static void round_row(const float *x, ptrdiff_t n_in, int8_t *q, float *steps, float *sums) {
    for (ptrdiff_t g = 0; g < n_in / GROUP; g++, x += GROUP, q += GROUP) {
        float most = 0;
        for (int i = 0; i < GROUP; i++) most = fmaxf(most, fabsf(x[i]));
        const float step = most / 127, times = most > 0 ? 127 / most : 0;
        int sum = 0;
        for (int i = 0; i < GROUP; i++) {
            q[i] = (int8_t)rintf(x[i] * times);
            sum += q[i];
        }
        steps[g] = step;
        sums[g] = step * sum;
    }
}

// One panel of INT8 or INT4 times `rows` rows of rounded x: sixty-four products in an instruction, in whole numbers.
INLINE void panel_sums_of_quads(const int format, const int rows, const uint32_t *w, const uint32_t *scales, ptrdiff_t n_in,
                                Rounded x, floats (*sums)[VECTORS]) {
    const ptrdiff_t groups = n_in / GROUP;
    const int step = format == INT8 ? 4 : 8, at_once = rows == 1 ? VECTORS : 2;
    for (ptrdiff_t g = 0; g < groups; g++, w += GROUP / step * PANEL) {
        for (int first = 0; first < VECTORS; first += at_once) {
            __m512i part[MOST_ROWS][VECTORS] = {0};
            for (int i = 0; i < GROUP / step; i++)
                for (int half = 0; half < step / 4; half++) {
                    __m512i q[VECTORS];
                    for (int v = 0; v < at_once; v++) {
                        const uint32_t *at = w + i * PANEL + LANES * (first + v);
                        if (half == 0) __builtin_prefetch(at + AHEAD);
                        q[v] = (__m512i)load_words(at);
                        if (format == INT4)
                            q[v] = _mm512_and_si512(half == 0 ? q[v] : _mm512_srli_epi32(q[v], 4), _mm512_set1_epi8(15));
                    }
                    for (int r = 0; r < rows; r++) {
                        const __m512i quad = _mm512_set1_epi32(x.quads[(r * n_in + g * GROUP + i * step) / 4 + half]);
                        for (int v = 0; v < at_once; v++) part[r][v] = _mm512_dpbusd_epi32(part[r][v], q[v], quad);
                    }
                }
            for (int v = 0; v < at_once; v++) {
                floats times = (floats){0} + 1, plus = (floats){0} - 128;  // INT8: q - 128
                if (format == INT4) {
                    words pair = load_words(scales + g * PANEL + LANES * (first + v));
                    times = (floats)(pair & 0xffff0000u), plus = (floats)(pair << 16);
                }
                for (int r = 0; r < rows; r++)
                    sums[r][first + v] += (floats)_mm512_cvtepi32_ps(part[r][v]) * times * x.steps[r * groups + g] +
                                          plus * x.sums[r * groups + g];
            }
        }
    }
    for (int r = 0; format == INT8 && r < rows; r++)
        for (int v = 0; v < VECTORS; v++) sums[r][v] *= load((const float *)scales + LANES * v);
}

#define SUMS_OF_QUADS_INT8(rows, ...) panel_sums_of_quads(INT8, rows, __VA_ARGS__)
#define SUMS_OF_QUADS_INT4(rows, ...) panel_sums_of_quads(INT4, rows, __VA_ARGS__)

// With weights in 8 or 4 bits and x in 8, for ROWS_AT_ONCE rows at most.
PRODUCT(product_of_quads) {
    const ptrdiff_t n_in = round_up(m->n_in, GROUP), panels = round_up(m->n_out, PANEL) / PANEL, groups = n_in / GROUP;
    const ptrdiff_t words_a_panel = n_in / inputs_per_word(m->format) * PANEL;
    const ptrdiff_t scales_a_panel = m->format == INT4 ? groups * PANEL : PANEL;
    float *steps = (float *)crew.own, *sums_of_x = steps + rows * groups;
    int8_t *q = (int8_t *)(sums_of_x + rows * groups);
    for (int r = 0; r < rows; r++) round_row(x + r * ldx, n_in, q + r * n_in, steps + r * groups, sums_of_x + r * groups);
    for (ptrdiff_t p = panels * crew.thread / crew.n_threads; p < panels * (crew.thread + 1) / crew.n_threads; p++) {
        const uint32_t *w = (const uint32_t *)m->values + p * words_a_panel;
        const uint32_t *scales = (const uint32_t *)m->scales + p * scales_a_panel;
        for (int r = 0, now; r < rows; r += now) {
            now = rows - r < MOST_ROWS ? rows - r : MOST_ROWS;
            const Rounded rounded = {(const int32_t *)(q + r * n_in), steps + r * groups, sums_of_x + r * groups};
            floats sums[MOST_ROWS][VECTORS] = {0};
            if (m->format == INT8) {
                WITH_ROWS(now, SUMS_OF_QUADS_INT8, w, scales, n_in, rounded, sums)
            } else {
                WITH_ROWS(now, SUMS_OF_QUADS_INT4, w, scales, n_in, rounded, sums)
            }
            finish_panel(m, p, (float (*)[PANEL])sums, now, y + r * ldy, ldy, finish);
        }
    }
}

#endif
