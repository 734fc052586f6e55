// The network as the kernels see it: where its numbers lie. network.py fills these structures in.

#ifndef NEXTWORD_NETWORK_H
#define NEXTWORD_NETWORK_H

#include <stdint.h>

#define PANEL 64  // outputs that lie side by side in a packed matrix
#define GROUP 64  // inputs that share a scale in INT4

// How a matrix's numbers lie in memory.
enum {
    F32_OUT_IN,  // as nn.Linear has them: an output's weights side by side
    F32_IN_OUT,  // as GPT-2's files have them: an input's weights side by side
    BF16,        // packed in panels; see pack.c
    INT8,        // packed; one scale per output
    INT4         // packed; a step and a least value per output and GROUP of inputs
};

typedef struct {
    const void *values;
    const void *scales;  // INT8: float per output. INT4: two bfloat16 per output and group. Else NULL
    const float *bias;   // or NULL
    int32_t n_in, n_out, format;
} Matrix;

typedef struct {
    const float *ln_1_weight, *ln_1_bias;
    Matrix c_attn, attn_c_proj;
    const float *ln_2_weight, *ln_2_bias;
    Matrix c_fc, mlp_c_proj;
} Block;

typedef struct {
    int32_t n_vocab, n_ctx, n_embd, n_head, n_layer;
    const float *wte, *wpe;
    const Block *h;
    const float *ln_f_weight, *ln_f_bias;
    Matrix head;
} Network;

// Keys and values of all that has been read: [layer][row][head], each with room for n_ctx positions.
typedef struct {
    void *keys;    // in blocks of LANES positions, each (D, LANES), so that LANES scores are summed at once
    void *values;  // (n_ctx, D), each D filled up with zeros to whole LANES
    int32_t n_rows, is_bf16;
} Memory;

#endif
