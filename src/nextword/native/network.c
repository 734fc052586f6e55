// GPT-2's forward pass, for a few tokens at a time: the same network as model/gpt.py, on kernels of our own.

#include <omp.h>

#include "matmul.h"
#include "network.h"
#include "vectors.h"

static void layer_norm(const float *x, const float *weight, const float *bias, int n, float *y) {
    float mean = 0, variance = 0;
    for (int i = 0; i < n; i++) mean += x[i];
    mean /= n;
    for (int i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean);
    // One over infinity is 0, which would hide that numbers have outgrown their type.
    const float scale = variance < 1e37f ? 1 / sqrtf(variance / n + 1e-5f) : variance * variance;
    for (int i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

// Where one head's keys or values of one row begin, in numbers; `width` is D for keys, and what a value takes for values.
static ptrdiff_t place(const Network *net, const Memory *memory, int layer, int row, int head, ptrdiff_t width) {
    return (((ptrdiff_t)layer * memory->n_rows + row) * net->n_head + head) * round_up(net->n_ctx, LANES) * width;
}

// One head of all rows' keys and values, for reading.
typedef struct {
    const void *keys, *values;
    int is_bf16;
} Head;

INLINE floats load_from(const void *numbers, ptrdiff_t at, int is_bf16) {
    return is_bf16 ? load_bf16((const uint16_t *)numbers + at) : load((const float *)numbers + at);
}

// q (rows, D), ldq apart, times the keys of S positions -> scores (rows, ld).
INLINE void score(const int rows, const Head *head, const float *q, ptrdiff_t ldq, int D, int S, float *scores, ptrdiff_t ld) {
    for (int s = 0; s < S; s += LANES) {
        floats even[MOST_ROWS] = {0}, odd[MOST_ROWS] = {0};
        for (int d = 0; d < D - 1; d += 2) {
            const floats a = load_from(head->keys, (ptrdiff_t)s * D + d * LANES, head->is_bf16);
            const floats b = load_from(head->keys, (ptrdiff_t)s * D + (d + 1) * LANES, head->is_bf16);
            for (int r = 0; r < rows; r++) even[r] += a * q[r * ldq + d], odd[r] += b * q[r * ldq + d + 1];
        }
        if (D % 2) {
            const floats a = load_from(head->keys, (ptrdiff_t)s * D + (D - 1) * LANES, head->is_bf16);
            for (int r = 0; r < rows; r++) even[r] += a * q[r * ldq + D - 1];
        }
        for (int r = 0; r < rows; r++) store(scores + r * ld + s, even[r] + odd[r]);
    }
}

// weights (rows, ld) times `vectors` vectors of each of S values -> y (rows, vectors * LANES).
INLINE void average(const int rows, const int vectors, const Head *head, ptrdiff_t first, ptrdiff_t width, int S,
                    const float *weights, ptrdiff_t ld, float *y) {
    floats sums[MOST_ROWS][4] = {0};
    for (int s = 0; s < S; s++)
        for (int v = 0; v < vectors; v++) {
            const floats value = load_from(head->values, first + s * width + LANES * v, head->is_bf16);
            for (int r = 0; r < rows; r++) sums[r][v] += value * weights[r * ld + s];
        }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(y + (r * vectors + v) * LANES, sums[r][v]);
}

#define AVERAGE_4(rows, ...) average(rows, 4, __VA_ARGS__)
#define AVERAGE_1(rows, ...) average(rows, 1, __VA_ARGS__)

// One head of up to MOST_ROWS successive tokens of one row: remember their keys and values, then let each attend to all
// that the row holds up to itself. qkv (rows, 3 C) are their queries, keys and values; y (rows, D) are the averages.
static void attend(const Network *net, const Memory *memory, int layer, int row, int number, int position, int rows,
                   const float *qkv, float *scores, float *y, ptrdiff_t ldy) {
    const int C = net->n_embd, D = C / net->n_head, S = position + rows;
    const ptrdiff_t width = round_up(D, LANES), ld = round_up(net->n_ctx, LANES), ldq = 3 * C, size = memory->is_bf16 ? 2 : 4;
    const float *q = qkv + number * D, scale = 1 / sqrtf(D);
    char *keys = (char *)memory->keys + size * place(net, memory, layer, row, number, D);
    char *values = (char *)memory->values + size * place(net, memory, layer, row, number, width);
    for (int r = 0; r < rows; r++) {
        const float *k = q + r * ldq + C, *v = k + C;
        const ptrdiff_t at = position + r, key = at / LANES * LANES * D + at % LANES, value = at * width;
        for (int d = 0; d < D; d++)
            if (memory->is_bf16)
                ((uint16_t *)keys)[key + d * LANES] = to_bf16(k[d]), ((uint16_t *)values)[value + d] = to_bf16(v[d]);
            else
                ((float *)keys)[key + d * LANES] = k[d], ((float *)values)[value + d] = v[d];
    }
    const Head head = {keys, values, memory->is_bf16};
    WITH_ROWS(rows, score, &head, q, ldq, D, S, scores, ld)
    for (int r = 0; r < rows; r++) {
        float *own = scores + r * ld, highest = own[0], total = 0;
        const int seen = position + r + 1;
        for (int s = 0; s < seen; s++) highest = own[s] > highest ? own[s] : highest;
        for (int s = 0; s < seen; s++) total += own[s] = expf((own[s] - highest) * scale);
        for (int s = 0; s < seen; s++) own[s] /= total;
        for (int s = seen; s < S; s++) own[s] = 0;
    }
    for (ptrdiff_t first = 0; first < width;) {
        const int vectors = width - first >= 4 * LANES ? 4 : 1, n = D - first < vectors * LANES ? D - first : vectors * LANES;
        float part[MOST_ROWS * 4 * LANES];
        if (vectors == 4) {
            WITH_ROWS(rows, AVERAGE_4, &head, first, width, S, scores, ld, part)
        } else {
            WITH_ROWS(rows, AVERAGE_1, &head, first, width, S, scores, ld, part)
        }
        for (int r = 0; r < rows; r++) memcpy(y + r * ldy + first, part + r * vectors * LANES, sizeof(float) * n);
        first += vectors * LANES;
    }
}

// How many floats of zeros `nextword_forward` needs to work in, for n tokens of which n_scored are scored.
EXPORT ptrdiff_t nextword_scratch_size(const Network *net, int n, int n_scored, int n_threads) {
    const ptrdiff_t C = net->n_embd, ldc = round_up(C, GROUP), ldf = round_up(4 * C, GROUP);
    const ptrdiff_t a_thread = FEW_ROWS * 4 * C + own_size(4 * C) / sizeof(float);
    return n * (C + ldc + 3 * C + ldc + ldf) + n_scored * ldc + n_threads * a_thread;
}

// Read n tokens, each on its row at its position, and score what follows some of them.
//
// ids, rows, positions (n): tokens of one row stand together, in the order of their positions, and all positions
// before them have been read. scored (n_scored): the indices, among the n, of those whose next token is asked for;
// their scores go to logits (n_scored, V).
EXPORT void nextword_forward(const Network *net, const Memory *memory, int n, const int32_t *ids, const int32_t *rows,
                             const int32_t *positions, int n_scored, const int32_t *scored, float *logits,
                             float *scratch, int n_threads) {
    const int C = net->n_embd, H = net->n_head, D = C / H;
    const ptrdiff_t ldc = round_up(C, GROUP), ldf = round_up(4 * C, GROUP);
    float *x = scratch, *shared_h = x + (ptrdiff_t)n * C, *qkv = shared_h + n * ldc, *y = qkv + (ptrdiff_t)n * 3 * C,
          *f = y + n * ldc, *last = f + n * ldf, *shared = last + n_scored * ldc;
    const int few = n <= 2;  // then every thread normalises for itself: that takes less time than to wait for another

#pragma omp parallel num_threads(n_threads)
    {
        const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
        char *own = (char *)(shared + (ptrdiff_t)threads * FEW_ROWS * 4 * C) + thread * own_size(4 * C);
        const Crew crew = {thread, threads, shared, own};
        float scores[MOST_ROWS * round_up(net->n_ctx, LANES)], own_h[few ? n * ldc : 1], *h = few ? own_h : shared_h;
        if (few) memset(own_h, 0, sizeof own_h);
        for (int t = thread; t < n; t += threads) {
            const float *token = net->wte + (ptrdiff_t)ids[t] * C, *place = net->wpe + (ptrdiff_t)positions[t] * C;
            for (int i = 0; i < C; i++) x[(ptrdiff_t)t * C + i] = token[i] + place[i];
        }
#pragma omp barrier
        for (int layer = 0; layer < net->n_layer; layer++) {
            const Block *block = &net->h[layer];
            for (int t = few ? 0 : thread; t < n; t += few ? 1 : threads)
                layer_norm(x + (ptrdiff_t)t * C, block->ln_1_weight, block->ln_1_bias, C, h + t * ldc);
            if (!few) {
#pragma omp barrier
            }
            matmul(&block->c_attn, h, ldc, n, qkv, 3 * C, SET, crew);
#pragma omp barrier
            for (int first = 0, past, run = 0; first < n; first = past, run++) {  // a run: the tokens of one row
                for (past = first; past < n && rows[past] == rows[first];) past++;
                for (int head = 0; head < H; head++)
                    for (int t = first, now; (run * H + head) % threads == thread && t < past; t += now) {
                        now = past - t < MOST_ROWS ? past - t : MOST_ROWS;
                        attend(net, memory, layer, rows[t], head, positions[t], now, qkv + (ptrdiff_t)t * 3 * C, scores,
                               y + t * ldc + head * D, ldc);
                    }
            }
#pragma omp barrier
            matmul(&block->attn_c_proj, y, ldc, n, x, C, ADD, crew);
#pragma omp barrier
            for (int t = few ? 0 : thread; t < n; t += few ? 1 : threads)
                layer_norm(x + (ptrdiff_t)t * C, block->ln_2_weight, block->ln_2_bias, C, h + t * ldc);
            if (!few) {
#pragma omp barrier
            }
            matmul(&block->c_fc, h, ldc, n, f, ldf, GELU, crew);
#pragma omp barrier
            matmul(&block->mlp_c_proj, f, ldf, n, x, C, ADD, crew);
#pragma omp barrier
        }
        for (int s = thread; s < n_scored; s += threads)
            layer_norm(x + (ptrdiff_t)scored[s] * C, net->ln_f_weight, net->ln_f_bias, C, last + s * ldc);
#pragma omp barrier
        matmul(&net->head, last, ldc, n_scored, logits, net->n_vocab, SET, crew);
    }
}
