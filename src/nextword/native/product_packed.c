// Products with packed weights, unpacked into float32 in passing: for every machine.

#include "panels.h"

#define SUMS_BF16(rows, ...) panel_sums(BF16, rows, __VA_ARGS__)
#define SUMS_INT8(rows, ...) panel_sums(INT8, rows, __VA_ARGS__)
#define SUMS_INT4(rows, ...) panel_sums(INT4, rows, __VA_ARGS__)

// With weights as they are packed and x in float32.
PRODUCT(packed_product) {
    const ptrdiff_t n_in = round_up(m->n_in, GROUP), panels = round_up(m->n_out, PANEL) / PANEL;
    const ptrdiff_t words_a_panel = n_in / inputs_per_word(m->format) * PANEL;
    const ptrdiff_t scales_a_panel = m->format == INT4 ? n_in / GROUP * PANEL : PANEL;
    const int most = m->format == INT4 ? 3 : MOST_ROWS;  // INT4 keeps each sum twice: in its group, and in all
    for (ptrdiff_t p = panels * crew.thread / crew.n_threads; p < panels * (crew.thread + 1) / crew.n_threads; p++) {
        const uint32_t *w = (const uint32_t *)m->values + p * words_a_panel;
        const uint32_t *scales = (const uint32_t *)m->scales + p * scales_a_panel;
        for (int r = 0, now; r < rows; r += now) {
            now = rows - r < most ? rows - r : most;
            floats sums[MOST_ROWS][VECTORS] = {0};
            if (m->format == BF16) {
                WITH_ROWS(now, SUMS_BF16, w, scales, n_in, x + r * ldx, ldx, sums)
            } else if (m->format == INT8) {
                WITH_ROWS(now, SUMS_INT8, w, scales, n_in, x + r * ldx, ldx, sums)
            } else {
                WITH_ROWS(now, SUMS_INT4, w, scales, n_in, x + r * ldx, ldx, sums)
            }
            finish_panel(m, p, (float (*)[PANEL])sums, now, y + r * ldy, ldy, finish);
        }
    }
}
