// y = x W + b for a few rows of x. Writing a token is little else, and its speed is how fast W can be read.

#ifndef NEXTWORD_MATMUL_H
#define NEXTWORD_MATMUL_H

#include "network.h"
#include "vectors.h"

#define ROWS_AT_ONCE 64  // as many as stay in a core's cache while the panels pass by
#define FEW_ROWS 16  // so many, or fewer, are multiplied with float32 weights where they lie

// What becomes of the product.
typedef enum { SET, ADD, GELU } Finish;  // y = xW + b;  y += xW + b;  y = gelu(xW + b)

// One of several threads that make a product together, and where they leave what the others need.
typedef struct {
    int thread, n_threads;
    float *shared;  // (n_threads, FEW_ROWS, most outputs of a matrix in F32_IN_OUT)
    char *own;      // own_size(most inputs of a matrix) bytes, for this thread alone
} Crew;

// How much room a thread needs for x and a panel in other formats.
static inline ptrdiff_t own_size(ptrdiff_t n_in) { return round_up(n_in, GROUP) * (2 * ROWS_AT_ONCE + 2 * PANEL); }

// x (rows, n_in) and y (rows, n_out), with ldx and ldy numbers from one row to the next. x has zeros behind its
// n_in numbers, up to the next multiple of GROUP. All threads of the crew call this, each computes its share, and all
// of y is there once every one of them has come back.
void matmul(const Matrix *w, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy, Finish finish, Crew crew);

#endif
