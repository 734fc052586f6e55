// Products with float32 weights as they lie in a module or a file.

#include "panels.h"

// (out, in): four outputs at once, each a sum along its own row of the matrix.
INLINE void four_outputs(const int rows, const float *w, int n_in, const float *x, ptrdiff_t ldx, float (*sums)[4]) {
    floats part[MOST_ROWS][4] = {0};
    const int whole = n_in / LANES * LANES;
    for (int i = 0; i < whole; i += LANES)
        for (int o = 0; o < 4; o++) {
            floats weights = load(w + (ptrdiff_t)o * n_in + i);
            for (int r = 0; r < rows; r++) part[r][o] += weights * load(x + r * ldx + i);
        }
    for (int r = 0; r < rows; r++)
        for (int o = 0; o < 4; o++) {
            sums[r][o] = sum(part[r][o]);
            for (int i = whole; i < n_in; i++) sums[r][o] += w[(ptrdiff_t)o * n_in + i] * x[r * ldx + i];
        }
}

// One output, for one row of x: here the matrix is read from its beginning to its end, which memory does fastest.
static float one_output(const float *w, int n_in, const float *x) {
    floats part[4] = {0};
    int i = 0;
    for (; i + 4 * LANES <= n_in; i += 4 * LANES)
        for (int k = 0; k < 4; k++) {
            __builtin_prefetch(w + i + LANES * k + AHEAD / 2);
            part[k] += load(w + i + LANES * k) * load(x + i + LANES * k);
        }
    float total = sum(part[0] + part[1] + (part[2] + part[3]));
    for (; i < n_in; i++) total += w[i] * x[i];
    return total;
}

PRODUCT(out_in_product) {
    const int first = (ptrdiff_t)m->n_out * crew.thread / crew.n_threads;
    const int last = (ptrdiff_t)m->n_out * (crew.thread + 1) / crew.n_threads;
    for (int o = first, n; o < last; o += n) {
        const float *w = (const float *)m->values + (ptrdiff_t)o * m->n_in, *bias = m->bias ? m->bias + o : NULL;
        n = rows > 1 && last - o >= 4 ? 4 : 1;
        for (int r = 0, now; r < rows; r += now) {
            float sums[MOST_ROWS][4];
            const float *xr = x + r * ldx;
            now = n == 1 ? 1 : rows - r < MOST_ROWS ? rows - r : MOST_ROWS;
            if (n == 1) {
                sums[0][0] = one_output(w, m->n_in, xr);
            } else {
                WITH_ROWS(now, four_outputs, w, m->n_in, xr, ldx, sums)
            }
            for (int i = 0; i < now; i++) finish_row(sums[i], bias, y + (r + i) * ldy + o, n, finish);
        }
    }
}

// (in, out), for up to FEW_ROWS rows: eight inputs at once, each adding its row of the matrix to all outputs. Every
// thread takes a part of the inputs, so that it reads one piece of memory from beginning to end; then each adds up a
// part of the outputs.
PRODUCT(in_out_product) {
    const ptrdiff_t n_out = m->n_out, whole = n_out / LANES * LANES;
    const int last = (ptrdiff_t)m->n_in * (crew.thread + 1) / crew.n_threads;
    float *own = crew.shared + crew.thread * rows * n_out;
    memset(own, 0, sizeof(float) * rows * n_out);
    for (int i = (ptrdiff_t)m->n_in * crew.thread / crew.n_threads, now; i < last; i += now) {
        const float *w = (const float *)m->values + i * n_out;
        now = last - i >= 8 ? 8 : 1;
        for (ptrdiff_t o = 0; now == 8 && o < whole; o += LANES) {
            floats weights[8];
            for (int k = 0; k < 8; k++) weights[k] = load(w + k * n_out + o);
            for (int r = 0; r < rows; r++) {
                floats a = load(own + r * n_out + o), b = {0};
                for (int k = 0; k < 8; k += 2) {
                    a += weights[k] * x[r * ldx + i + k];
                    b += weights[k + 1] * x[r * ldx + i + k + 1];
                }
                store(own + r * n_out + o, a + b);
            }
        }
        for (int r = 0; r < rows; r++)
            for (int k = 0; k < now; k++)
                for (ptrdiff_t o = now == 8 ? whole : 0; o < n_out; o++)
                    own[r * n_out + o] += w[k * n_out + o] * x[r * ldx + i + k];
    }
#pragma omp barrier
    const ptrdiff_t from = n_out * crew.thread / crew.n_threads, to = n_out * (crew.thread + 1) / crew.n_threads;
    for (int r = 0; r < rows; r++) {
        float *out = y + r * ldy + from;
        for (int t = 0; t < crew.n_threads; t++)
            finish_row(crew.shared + (t * rows + r) * n_out + from, t == 0 && m->bias ? m->bias + from : NULL, out, to - from,
                       t == 0 && finish != ADD ? SET : ADD);
        for (ptrdiff_t o = 0; finish == GELU && o < to - from; o++) out[o] = gelu(out[o]);
    }
}

#define SUMS_F32(rows, ...) panel_sums(F32_OUT_IN, rows, __VA_ARGS__)

// Either, for many rows: part by part of the matrix is brought into panels, which all rows then use.
PRODUCT(product_by_parts) {
    enum { DEPTH = 256 };  // inputs of a part: 64 KiB of weights
    const float *w = (const float *)m->values;
    const ptrdiff_t panels = round_up(m->n_out, PANEL) / PANEL;
    float part[DEPTH][PANEL], sums[ROWS_AT_ONCE][PANEL];
    for (ptrdiff_t p = panels * crew.thread / crew.n_threads; p < panels * (crew.thread + 1) / crew.n_threads; p++) {
        const int first = p * PANEL, n = m->n_out - first < PANEL ? m->n_out - first : PANEL;
        memset(sums, 0, sizeof sums);
        if (n < PANEL) memset(part, 0, sizeof part);
        for (int start = 0; start < m->n_in; start += DEPTH) {
            const int depth = m->n_in - start < DEPTH ? m->n_in - start : DEPTH;
            if (m->format == F32_IN_OUT)
                for (int i = 0; i < depth; i++) {
                    const float *from = w + (ptrdiff_t)(start + i) * m->n_out + first;
                    for (int v = 0; v < VECTORS; v++) __builtin_prefetch(from + 16 * (ptrdiff_t)m->n_out + LANES * v);
                    memcpy(part[i], from, sizeof(float) * n);
                }
            else
                for (int o = 0; o < n; o++) {
                    const float *from = w + (ptrdiff_t)(first + o) * m->n_in + start;
                    for (int i = 0; i < depth; i++) {
                        if (i % LANES == 0) __builtin_prefetch(from + 2 * (ptrdiff_t)m->n_in + i);
                        part[i][o] = from[i];
                    }
                }
            for (int r = 0, now; r < rows; r += now) {
                now = rows - r < MOST_ROWS ? rows - r : MOST_ROWS;
                WITH_ROWS(now, SUMS_F32, (const uint32_t *)part, NULL, depth, x + r * ldx + start, ldx,
                          (floats (*)[VECTORS])sums[r])
            }
        }
        finish_panel(m, p, sums, rows, y, ldy, finish);
    }
}
