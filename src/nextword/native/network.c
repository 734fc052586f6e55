// GPT-2's forward pass, for a few tokens at a time: the same network as model/gpt.py, on kernels of our own.

#include <math.h>
#include <omp.h>

#include "matmul.h"
#include "network.h"
#include "vectors.h"

static void layer_norm(const float *x, const float *weight, const float *bias, int n, float *y) {
    float mean = 0, variance = 0;
    for (int i = 0; i < n; i++) mean += x[i];
    mean /= n;
    for (int i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean);
    const float scale = 1 / sqrtf(variance / n + 1e-5f);
    for (int i = 0; i < n; i++) y[i] = (x[i] - mean) * scale * weight[i] + bias[i];
}

// Where one head's keys or values of one row begin, in numbers.
static ptrdiff_t place(const Network *net, const Memory *memory, int layer, int row, int head) {
    const ptrdiff_t D = net->n_embd / net->n_head, room = round_up(net->n_ctx, LANES);
    return (((ptrdiff_t)layer * memory->n_rows + row) * net->n_head + head) * room * D;
}

// One head of one token: remember its key and value, then attend to all that its row holds up to here.
// qkv (3 C) are the token's query, key and value; y (D) is the average of the values.
static void attend(const Network *net, const Memory *memory, int layer, int row, int head, int position,
                   const float *qkv, float *scores, float *y) {
    const int C = net->n_embd, D = C / net->n_head, S = position + 1;
    const float *q = qkv + head * D, *k = q + C, *v = k + C, scale = 1 / sqrtf(D);
    const ptrdiff_t begin = place(net, memory, layer, row, head);
    const ptrdiff_t key = begin + position / LANES * LANES * D + position % LANES, value = begin + (ptrdiff_t)position * D;
    float *keys = (float *)memory->keys, *values = (float *)memory->values;
    uint16_t *keys16 = (uint16_t *)memory->keys, *values16 = (uint16_t *)memory->values;
    if (memory->is_bf16)
        for (int d = 0; d < D; d++) keys16[key + d * LANES] = to_bf16(k[d]), values16[value + d] = to_bf16(v[d]);
    else
        for (int d = 0; d < D; d++) keys[key + d * LANES] = k[d], values[value + d] = v[d];

    float highest = -INFINITY;
    for (int s = 0; s < S; s += LANES) {
        floats a = {0}, b = {0};
        const ptrdiff_t block = begin + (ptrdiff_t)s * D;
        for (int d = 0; d < D; d++) {
            floats numbers = memory->is_bf16 ? load_bf16(keys16 + block + d * LANES) : load(keys + block + d * LANES);
            if (d % 2) b += numbers * q[d];
            else a += numbers * q[d];
        }
        store(scores + s, (a + b) * scale);
    }
    for (int s = 0; s < S; s++) highest = scores[s] > highest ? scores[s] : highest;
    float total = 0;
    for (int s = 0; s < S; s++) total += scores[s] = expf(scores[s] - highest);
    for (int d = 0; d < D; d++) y[d] = 0;
    for (int s = 0; s < S; s++) {
        const ptrdiff_t at = begin + (ptrdiff_t)s * D;
        const float weight = scores[s] / total;
        if (memory->is_bf16)
            for (int d = 0; d < D; d++) y[d] += weight * from_bf16(values16[at + d]);
        else
            for (int d = 0; d < D; d++) y[d] += weight * values[at + d];
    }
}

// How many floats of zeros `forward` needs to work in, for n tokens of which n_scored are scored.
ptrdiff_t scratch_size(const Network *net, int n, int n_scored) {
    const ptrdiff_t C = net->n_embd, ldc = round_up(C, GROUP), ldf = round_up(4 * C, GROUP);
    return n * (C + ldc + 3 * C + ldc + ldf) + n_scored * ldc;
}

// Read n tokens, each on its row at its position, and score what follows some of them.
//
// ids, rows, positions (n): tokens of one row stand together, in the order of their positions, and all positions
// before them have been read. scored (n_scored): the indices, among the n, of those whose next token is asked for;
// their scores go to logits (n_scored, V).
void forward(const Network *net, const Memory *memory, int n, const int32_t *ids, const int32_t *rows,
             const int32_t *positions, int n_scored, const int32_t *scored, float *logits, float *scratch, int n_threads) {
    const int C = net->n_embd, H = net->n_head, D = C / H;
    const ptrdiff_t ldc = round_up(C, GROUP), ldf = round_up(4 * C, GROUP);
    float *x = scratch, *shared_h = x + (ptrdiff_t)n * C, *qkv = shared_h + n * ldc, *y = qkv + (ptrdiff_t)n * 3 * C,
          *f = y + n * ldc, *last = f + n * ldf;
    const int few = n <= 2;  // then every thread normalises for itself: that takes less time than to wait for another

#pragma omp parallel num_threads(n_threads)
    {
        const int thread = omp_get_thread_num(), threads = omp_get_num_threads();
        float scores[round_up(net->n_ctx, LANES)], own_h[few ? n * ldc : 1], *h = few ? own_h : shared_h;
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
            matmul(&block->c_attn, h, ldc, n, qkv, 3 * C, SET, thread, threads);
#pragma omp barrier
            for (int first = 0, past, run = 0; first < n; first = past, run++) {  // a run: the tokens of one row
                for (past = first; past < n && rows[past] == rows[first];) past++;
                for (int head = 0; head < H; head++)
                    if ((run * H + head) % threads == thread)
                        for (int t = first; t < past; t++)
                            attend(net, memory, layer, rows[t], head, positions[t], qkv + (ptrdiff_t)t * 3 * C, scores,
                                   y + t * ldc + head * D);
            }
#pragma omp barrier
            matmul(&block->attn_c_proj, y, ldc, n, x, C, ADD, thread, threads);
#pragma omp barrier
            for (int t = few ? 0 : thread; t < n; t += few ? 1 : threads)
                layer_norm(x + (ptrdiff_t)t * C, block->ln_2_weight, block->ln_2_bias, C, h + t * ldc);
            if (!few) {
#pragma omp barrier
            }
            matmul(&block->c_fc, h, ldc, n, f, ldf, GELU, thread, threads);
#pragma omp barrier
            matmul(&block->mlp_c_proj, f, ldf, n, x, C, ADD, thread, threads);
#pragma omp barrier
        }
        for (int s = thread; s < n_scored; s += threads)
            layer_norm(x + (ptrdiff_t)scored[s] * C, net->ln_f_weight, net->ln_f_bias, C, last + s * ldc);
#pragma omp barrier
        matmul(&net->head, last, ldc, n_scored, logits, net->n_vocab, SET, thread, threads);
    }
}
