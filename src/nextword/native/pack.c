// Smaller weights: float32 matrices rounded to BF16, INT8 or INT4, in the order in which matmul.c reads them.
//
// An INT8 weight is scale * (q - 128), with q from 1 to 255 and a scale for each output: its largest weight / 127.
// An INT4 weight is least + step * q, with q from 0 to 15, for each output and GROUP of inputs.

#include "network.h"
#include "vectors.h"

// n_out x n_in weights, of which (o, i) lies at o * stride_out + i * stride_in.
typedef struct {
    const float *w;
    ptrdiff_t stride_out, stride_in;
    int n_out, n_in;
} Source;

// GROUP inputs of PANEL outputs; what lies beyond the matrix is zero.
static void read_block(const Source *from, int first_out, int first_in, float block[GROUP][PANEL]) {
    const int n_out = from->n_out - first_out < PANEL ? from->n_out - first_out : PANEL;
    const int n_in = from->n_in - first_in < GROUP ? from->n_in - first_in : GROUP;
    const float *w = from->w + first_out * from->stride_out + first_in * from->stride_in;
    if (n_out < PANEL || n_in < GROUP) memset(block, 0, sizeof(float) * GROUP * PANEL);
    if (from->stride_out == 1)
        for (int i = 0; i < n_in; i++) memcpy(block[i], w + i * from->stride_in, sizeof(float) * n_out);
    else
        for (int o = 0; o < n_out; o++)
            for (int i = 0; i < n_in; i++) block[i][o] = w[o * from->stride_out + i * from->stride_in];
}

// A panel's scales for INT8: one per output. times: what a weight is multiplied with to give q - 128.
static void scales_of_outputs(const Source *from, int first_out, float *scales, float *times) {
    float block[GROUP][PANEL], most[PANEL] = {0};
    for (int first = 0; first < from->n_in; first += GROUP) {
        read_block(from, first_out, first, block);
        for (int i = 0; i < GROUP; i++)
            for (int o = 0; o < PANEL; o++) most[o] = fmaxf(most[o], fabsf(block[i][o]));
    }
    for (int o = 0; o < PANEL; o++) {
        scales[o] = most[o] / 127;
        times[o] = most[o] > 0 ? 127 / most[o] : 0;
    }
}

// A group's steps and least values for INT4, rounded to bfloat16, and what they make of weights.
static void scales_of_group(float block[GROUP][PANEL], uint32_t *scales, float *least, float *times) {
    for (int o = 0; o < PANEL; o++) {
        float low = block[0][o], high = low;
        for (int i = 1; i < GROUP; i++) low = fminf(low, block[i][o]), high = fmaxf(high, block[i][o]);
        const uint16_t low16 = to_bf16(low), step16 = to_bf16((high - from_bf16(low16)) / 15);
        scales[o] = (uint32_t)step16 << 16 | low16;
        least[o] = from_bf16(low16);
        times[o] = from_bf16(step16) > 0 ? 1 / from_bf16(step16) : 0;
    }
}

static void pack_panel(const Source *from, int format, int p, uint32_t *values, void *scales) {
    const int whole_in = round_up(from->n_in, GROUP), step = format == BF16 ? 2 : format == INT8 ? 4 : 8;
    float block[GROUP][PANEL], least[PANEL], times[PANEL];
    uint32_t *out = values + (ptrdiff_t)p * whole_in / step * PANEL;
    if (format == INT8) scales_of_outputs(from, p * PANEL, (float *)scales + (ptrdiff_t)p * PANEL, times);
    for (int first = 0; first < whole_in; first += GROUP) {
        read_block(from, p * PANEL, first, block);
        if (format == INT4)
            scales_of_group(block, (uint32_t *)scales + ((ptrdiff_t)p * whole_in + first) / GROUP * PANEL, least, times);
        for (int i = 0; i < GROUP; i += step, out += PANEL) {
            memset(out, 0, sizeof(uint32_t) * PANEL);
            for (int k = 0; k < step; k++)
                for (int o = 0; o < PANEL; o++) {
                    const float value = block[i + k][o];
                    uint32_t q;
                    if (format == BF16) q = to_bf16(value);
                    else if (format == INT8) q = (uint32_t)(128 + (int32_t)rintf(value * times[o]));
                    else q = (uint32_t)(int32_t)fminf(fmaxf(rintf((value - least[o]) * times[o]), 0), 15);
                    out[o] |= q << (format == BF16 ? 16 * k : 8 * (k % 4) + 4 * (k / 4));
                }
        }
    }
}

// values and scales have room for whole panels and groups.
EXPORT void nextword_pack(int format, const float *w, ptrdiff_t stride_out, ptrdiff_t stride_in, int n_out, int n_in,
                          uint32_t *values, void *scales, int n_threads) {
    const Source from = {w, stride_out, stride_in, n_out, n_in};
#pragma omp parallel for num_threads(n_threads) schedule(dynamic, 4)
    for (int p = 0; p < (n_out + PANEL - 1) / PANEL; p++) pack_panel(&from, format, p, values, scales);
}
