#include "matmul.h"

#include <math.h>
#ifdef __AVX512F__
#include <immintrin.h>
#endif
#if defined(__AMX_TILE__) && defined(__AMX_BF16__) && defined(__AVX512BF16__)
#define WITH_AMX
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "vectors.h"

#define VECTORS (PANEL / LANES)
#define ROWS_AT_ONCE 64  // as many as stay in a core's cache while the panels pass by
#define MANY_ROWS 16     // from here on it pays to turn INT8 and INT4 into BF16, where the machine multiplies that
#define AHEAD 1024       // words to fetch ahead of their use

static float gelu(float x) {
    float u = 0.7978845608028654f * (x + 0.044715f * x * x * x);  // tanh(u) = 2 / (1 + exp(-2 u)) - 1
    return x / (1 + expf(fminf(-2 * u, 60)));                      // beyond 60 it is 0 anyway, and 1 / infinity is no number here
}

static void finish_row(const float *sums, const float *bias, float *y, int n, Finish finish) {
    for (int i = 0; i < n; i++) {
        float value = sums[i] + (bias ? bias[i] : 0);
        y[i] = finish == ADD ? y[i] + value : value;
    }
    if (finish == GELU)
        for (int i = 0; i < n; i++) y[i] = gelu(y[i]);
}

// ---- packed matrices: BF16, INT8, INT4 ----
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

#ifdef __AVX512BF16__
// The same for BF16, two inputs at a time: x (rows, n_in / 2) are pairs of bfloat16.
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
#endif

#define SUMS_F32(rows, ...) panel_sums(F32_OUT_IN, rows, __VA_ARGS__)
#define SUMS_BF16(rows, ...) panel_sums(BF16, rows, __VA_ARGS__)
#define SUMS_INT8(rows, ...) panel_sums(INT8, rows, __VA_ARGS__)
#define SUMS_INT4(rows, ...) panel_sums(INT4, rows, __VA_ARGS__)

#ifdef __AVX512VNNI__
#define WITH_VNNI

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
#endif

// ---- AMX: sixteen rows times sixteen outputs in one instruction ----

static int amx_is_on = 0;

// Whether the compiler made code for AMX, which it does where this machine has it.
int has_amx(void) {
#ifdef WITH_AMX
    return 1;
#else
    return 0;
#endif
}

// Switch AMX on or off; says whether it is on now. Linux has to be asked, since a thread's state grows by 8 KiB.
int use_amx(int wanted) {
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

#ifdef __AVX512BF16__
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
#endif

#ifdef WITH_VNNI
#define SUMS_OF_QUADS_INT8(rows, ...) panel_sums_of_quads(INT8, rows, __VA_ARGS__)
#define SUMS_OF_QUADS_INT4(rows, ...) panel_sums_of_quads(INT4, rows, __VA_ARGS__)
#endif

// The sums of one panel become numbers of y.
static void finish_panel(const Matrix *m, ptrdiff_t p, float (*sums)[PANEL], int rows, float *y, ptrdiff_t ldy, Finish finish) {
    const int first = p * PANEL, n = m->n_out - first < PANEL ? m->n_out - first : PANEL;
    for (int r = 0; r < rows; r++)
        finish_row(sums[r], m->bias ? m->bias + first : NULL, y + r * ldy + first, n, finish);
}

// With weights as they are packed and x in float32.
static void packed_matmul(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                          Finish finish, Crew crew) {
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

#ifdef WITH_VNNI
// With weights in 8 or 4 bits and x in 8, for ROWS_AT_ONCE rows at most.
static void matmul_of_quads(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                            Finish finish, Crew crew) {
    const ptrdiff_t n_in = round_up(m->n_in, GROUP), panels = round_up(m->n_out, PANEL) / PANEL, groups = n_in / GROUP;
    const ptrdiff_t words_a_panel = n_in / inputs_per_word(m->format) * PANEL;
    const ptrdiff_t scales_a_panel = m->format == INT4 ? groups * PANEL : PANEL;
    int8_t q[rows * n_in] __attribute__((aligned(4)));
    float steps[rows * groups], sums_of_x[rows * groups];
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

#ifdef __AVX512BF16__
// With weights and x in bfloat16, for ROWS_AT_ONCE rows at most.
static void matmul_of_pairs(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                            Finish finish, Crew crew) {
    const ptrdiff_t n_in = round_up(m->n_in, GROUP), panels = round_up(m->n_out, PANEL) / PANEL;
    const ptrdiff_t words_a_panel = n_in / inputs_per_word(m->format) * PANEL;
    const ptrdiff_t scales_a_panel = m->format == INT4 ? n_in / GROUP * PANEL : PANEL;
    const int in_tiles = amx_is_on && rows >= MANY_ROWS, at_once = in_tiles ? 32 : MOST_ROWS;
    const ptrdiff_t whole_rows = in_tiles ? round_up(rows, at_once) : rows;
    uint16_t halves_of_x[whole_rows * n_in];
    uint32_t unpacked[m->format == BF16 ? 1 : n_in / 2 * PANEL];
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

// ---- float32 as it lies in a module or a file ----

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

static void out_in_matmul(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                          Finish finish, Crew crew) {
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
static void in_out_matmul(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                          Finish finish, Crew crew) {
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

// Either, for many rows: part by part of the matrix is brought into panels, which all rows then use.
static void matmul_by_parts(const Matrix *m, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy,
                            Finish finish, Crew crew) {
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

void matmul(const Matrix *w, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy, Finish finish, Crew crew) {
    const int is_float32 = w->format == F32_OUT_IN || w->format == F32_IN_OUT;
    for (int r = 0, now; r < rows; r += now, x += now * ldx, y += now * ldy) {
        now = rows - r < ROWS_AT_ONCE ? rows - r : ROWS_AT_ONCE;
        if (is_float32 && now > (w->format == F32_IN_OUT ? FEW_ROWS : 2 * FEW_ROWS)) matmul_by_parts(w, x, ldx, now, y, ldy, finish, crew);
        else if (w->format == F32_OUT_IN) out_in_matmul(w, x, ldx, now, y, ldy, finish, crew);
        else if (w->format == F32_IN_OUT) in_out_matmul(w, x, ldx, now, y, ldy, finish, crew);
#ifdef WITH_VNNI
        else if (w->format != BF16 && !(amx_is_on && rows >= MANY_ROWS))
            matmul_of_quads(w, x, ldx, now, y, ldy, finish, crew);
#endif
#ifdef __AVX512BF16__
        else if (w->format == BF16 || rows >= MANY_ROWS) matmul_of_pairs(w, x, ldx, now, y, ldy, finish, crew);
#endif
        else packed_matmul(w, x, ldx, now, y, ldy, finish, crew);
    }
}
