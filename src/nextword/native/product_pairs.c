// Products in bfloat16, two inputs at a time (AVX-512 BF16), or sixteen rows at a time (AMX).

#include "panels.h"

#if defined(WITH_PAIRS) && defined(__AMX_TILE__) && defined(__AMX_BF16__)
#define WITH_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

// ---- AMX: sixteen rows times sixteen outputs in one instruction ----

int amx_is_on = 0;

// Whether the compiler made code for AMX, which it does where this machine has it.
EXPORT int nextword_has_amx(void) {
#ifdef WITH_AMX
    return 1;
#else
    return 0;
#endif
}

// Switch AMX on or off; says whether it is on now. Linux has to be asked, since a thread's state grows by 8 KiB.
EXPORT int nextword_use_amx(int wanted) {
#ifdef WITH_AMX
    const long request_permission = 0x1023, tile_data = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA; arch_prctl(2)
    amx_is_on = wanted && syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    (void)wanted;
#endif
    return amx_is_on;
}

#ifdef WITH_AMX
#define TILE 16  // rows of a tile; each row has 64 bytes

// All eight tiles in full size. 0 to 3 hold sums, 4 and 5 rows of x, 6 and 7 weights.
static void configure_tiles(void) {
    struct {
        uint8_t palette, start_row, reserved[14];
        uint16_t bytes_a_row[16];
        uint8_t rows[16];
    } tiles = {.palette = 1};
    for (int t = 0; t < 8; t++) tiles.bytes_a_row[t] = 64, tiles.rows[t] = TILE;
    _tile_loadconfig(&tiles);
}

// One panel of BF16 times 2 * TILE rows of x, as pairs of bfloat16. A panel's words are as AMX wants them: a row of a
// tile is a pair of inputs for sixteen outputs.
static void panel_sums_in_tiles(const uint32_t *w, ptrdiff_t n_in, const uint32_t *x, float sums[2 * TILE][PANEL]) {
    const ptrdiff_t ldx = n_in / 2;
    __asm__ volatile("" : : "r"(w), "r"(x) : "memory");  // the compiler does not know that tiles are loaded from there
    for (int o = 0; o < PANEL; o += 2 * TILE) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (ptrdiff_t pair = 0; pair < n_in / 2; pair += TILE) {
            _tile_loadd(4, x + pair, 4 * ldx);
            _tile_loadd(5, x + TILE * ldx + pair, 4 * ldx);
            _tile_loadd(6, w + pair * PANEL + o, 4 * PANEL);
            _tile_loadd(7, w + pair * PANEL + o + TILE, 4 * PANEL);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, &sums[0][o], 4 * PANEL);
        _tile_stored(1, &sums[0][o + TILE], 4 * PANEL);
        _tile_stored(2, &sums[TILE][o], 4 * PANEL);
        _tile_stored(3, &sums[TILE][o + TILE], 4 * PANEL);
    }
    __asm__ volatile("" : : "r"(sums) : "memory");
}
#endif

#ifdef WITH_PAIRS

// One panel of BF16 times `rows` rows of x, two inputs at a time: x (rows, n_in / 2) are pairs of bfloat16.
INLINE void panel_sums_of_pairs(const int rows, const uint32_t *w, int n_in, const uint32_t *x, ptrdiff_t ldx,
                                floats (*sums)[VECTORS]) {
    const int ways = rows <= 2 ? 2 : 1;  // few rows: twice as many sums, so that none waits for itself
    __m512 part[MOST_ROWS * 2][VECTORS] = {0};
    for (int i = 0; i < n_in / 2; i += ways)
        for (int way = 0; way < ways; way++, w += PANEL)
            for (int v = 0; v < VECTORS; v++) {
                __builtin_prefetch(w + AHEAD + LANES * v);
                const __m512bh weights = (__m512bh)load_words(w + LANES * v);
                for (int r = 0; r < rows; r++)
                    part[ways * r + way][v] = _mm512_dpbf16_ps(part[ways * r + way][v], weights,
                                                               (__m512bh)_mm512_set1_epi32(x[r * ldx + i + way]));
            }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < VECTORS; v++)
            sums[r][v] = ways == 2 ? (floats)(part[2 * r][v] + part[2 * r + 1][v]) : (floats)part[r][v];
}

// A panel of INT8 or INT4 as one of BF16: of INT8 q - 128, which is exact; of INT4 the weights themselves, rounded.
static void as_bf16(const int format, const uint32_t *w, const uint32_t *scales, ptrdiff_t n_in, uint32_t *pairs) {
    const int step = inputs_per_word(format);
    for (ptrdiff_t i = 0; i < n_in; i += step, w += PANEL)
        for (int k = 0; k < step; k += 2, pairs += PANEL)
            for (int v = 0; v < VECTORS; v++) {
                floats times = (floats){0} + 256, plus = (floats){0} - 384;
                if (format == INT4) {
                    words pair = load_words(scales + i / GROUP * PANEL + LANES * v);
                    times = (floats)(pair & 0xffff0000u) * 16, plus = (floats)(pair << 16) - times;
                }
                words packed = load_words(w + LANES * v);
                words lower = (words)(unpack(format, packed, k) * times + plus) + 0x8000u;
                words upper = (words)(unpack(format, packed, k + 1) * times + plus) + 0x8000u;
                words pair = lower >> 16 | (upper & 0xffff0000u);
                memcpy(pairs + LANES * v, &pair, sizeof pair);
            }
}

// With weights and x in bfloat16, for ROWS_AT_ONCE rows at most.
PRODUCT(product_of_pairs) {
    const ptrdiff_t n_in = round_up(m->n_in, GROUP), panels = round_up(m->n_out, PANEL) / PANEL;
    const ptrdiff_t words_a_panel = n_in / inputs_per_word(m->format) * PANEL;
    const ptrdiff_t scales_a_panel = m->format == INT4 ? n_in / GROUP * PANEL : PANEL;
    const int in_tiles = amx_is_on && rows >= MANY_ROWS, at_once = in_tiles ? 32 : MOST_ROWS;
    const ptrdiff_t whole_rows = in_tiles ? round_up(rows, at_once) : rows;
    uint32_t *unpacked = (uint32_t *)crew.own;  // a panel
    uint16_t *halves_of_x = (uint16_t *)(unpacked + n_in / 2 * PANEL);
    for (ptrdiff_t r = 0; r < whole_rows; r++)
        for (ptrdiff_t i = 0; i < n_in; i++) halves_of_x[r * n_in + i] = r < rows ? to_bf16(x[r * ldx + i]) : 0;
#ifdef WITH_AMX
    if (in_tiles) configure_tiles();
#endif
    for (ptrdiff_t p = panels * crew.thread / crew.n_threads; p < panels * (crew.thread + 1) / crew.n_threads; p++) {
        const uint32_t *w = (const uint32_t *)m->values + p * words_a_panel;
        const uint32_t *scales = (const uint32_t *)m->scales + p * scales_a_panel;
        if (m->format == INT8) as_bf16(INT8, w, scales, n_in, unpacked), w = unpacked;
        if (m->format == INT4) as_bf16(INT4, w, scales, n_in, unpacked), w = unpacked;
        for (int r = 0, now; r < rows; r += now) {
            now = rows - r < at_once ? rows - r : at_once;
            const uint32_t *pairs = (const uint32_t *)(halves_of_x + r * n_in);
            floats sums[32][VECTORS];
            if (in_tiles) {
#ifdef WITH_AMX
                panel_sums_in_tiles(w, n_in, pairs, (float (*)[PANEL])sums);
#endif
            } else {
                WITH_ROWS(now, panel_sums_of_pairs, w, n_in, pairs, n_in / 2, sums)
            }
            for (int i = 0; m->format == INT8 && i < now; i++)
                for (int v = 0; v < VECTORS; v++) sums[i][v] *= load((const float *)scales + LANES * v);
            finish_panel(m, p, (float (*)[PANEL])sums, now, y + r * ldy, ldy, finish);
        }
    }
#ifdef WITH_AMX
    if (in_tiles) _tile_release();
#endif
}

#endif
