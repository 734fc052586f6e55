// y = x W + b for a few rows of x. Writing a token is little else, and its speed is how fast W can be read.

#ifndef NEXTWORD_MATMUL_H
#define NEXTWORD_MATMUL_H

#include <stddef.h>

#include "network.h"

// What becomes of the product.
typedef enum { SET, ADD, GELU } Finish;  // y = xW + b;  y += xW + b;  y = gelu(xW + b)

// x (rows, n_in) and y (rows, n_out), with ldx and ldy numbers from one row to the next. x has zeros behind its
// n_in numbers, up to the next multiple of GROUP. Computes this thread's share of the outputs: number `thread` of
// `n_threads`. All of y is there once every thread has come back.
void matmul(const Matrix *w, const float *x, ptrdiff_t ldx, int rows, float *y, ptrdiff_t ldy, Finish finish,
            int thread, int n_threads);

#endif
