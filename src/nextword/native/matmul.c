// Which kind of product is the fastest for a matrix and so many rows.

#include "matmul.h"

#include "panels.h"

void matmul(const Matrix *w, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy, Finish finish, Crew crew) {
    for (int r = 0, now; r < rows; r += now, x += now * ldx, y += now * ldy) {
        now = rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE;
        void (*product)(const Matrix *, const float *, ptrdiff_t, int, float *, ptrdiff_t, Finish, Crew) = packed_product;
        if (w->format == F32_OUT_IN) {
            product = now > 2 * FEW_ROWS ? product_by_parts : out_in_product;
        } else if (w->format == F32_IN_OUT) {
            product = now > FEW_ROWS ? product_by_parts : in_out_product;
        } else {
#ifdef WITH_QUADS
            if (w->format != BF16) product = product_of_quads;
#endif
#ifdef WITH_PAIRS
            if (w->format == BF16 || (amx_is_on && now >= MANY_ROWS)) product = product_of_pairs;
#endif
        }
        product(w, x, ldx, now, y, ldy, finish, crew);
    }
}

// The same for Python, which tries AMX with it: see amx_trial.py.
EXPORT void nextword_matmul(const Matrix *w, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                            Finish finish, Crew crew) {
    matmul(w, x, ldx, rows, y, ldy, finish, crew);
}
