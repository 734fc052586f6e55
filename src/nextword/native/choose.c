// From logits and a random number to the next token: decode/choose.py without sorting all of them.

#include <stdlib.h>

#include "vectors.h"

typedef struct {
    float logit;
    int32_t id;
} Candidate;

// Whether a stands before b: the higher logit, and among equals the lower id.
static int before(Candidate a, Candidate b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }

static int by_rank(const void *a, const void *b) { return before(*(const Candidate *)a, *(const Candidate *)b) ? -1 : 1; }

static int by_id(const void *a, const void *b) { return ((const Candidate *)a)->id - ((const Candidate *)b)->id; }

// Let the candidate at the top of a heap, whose top is the last in rank, sink to its place among n.
static void sink(Candidate *heap, int n) {
    for (int at = 0, child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && before(heap[child], heap[child + 1])) child++;
        if (before(heap[child], heap[at])) return;
        Candidate lower = heap[at];
        heap[at] = heap[child];
        heap[child] = lower;
    }
}

// The k highest logits, in no order.
static void keep_top_k(const float *logits, int V, int k, Candidate *kept) {
    for (int i = 0; i < k; i++) kept[i] = (Candidate){logits[i], i};
    qsort(kept, k, sizeof *kept, by_rank);
    for (int i = 0; i < k / 2; i++) {  // the last in rank first: a heap
        Candidate c = kept[i];
        kept[i] = kept[k - 1 - i];
        kept[k - 1 - i] = c;
    }
    for (int i = k; i < V; i++)
        if (logits[i] > kept[0].logit) {
            kept[0] = (Candidate){logits[i], i};
            sink(kept, k);
        }
}

// How likely a token is beside the likeliest, which weighs 1. Where exp() nears 0, as for the -INFINITY by which logits
// processors forbid, it takes long, and all that matters of it is whether it is 0.
static inline double weigh(float logit, float highest, double temperature) {
    const double x = ((double)logit - highest) / temperature;
    return x < -745.1332 ? 0 : exp(x < -700 ? -700 : x);
}

// Choose among V logits as Sampling(temperature, top_k, top_p) says, by a number in [0, 1). top_k and top_p are V and 1
// where all are allowed. Gives -1 if there is no memory.
EXPORT int32_t nextword_choose(const float *logits, int32_t V, double temperature, int32_t top_k, double top_p,
                               double number) {
    int32_t likeliest = 0;
    for (int i = 1; i < V; i++)
        if (logits[i] > logits[likeliest]) likeliest = i;
    if (temperature == 0) return likeliest;

    // Below this no two logits are so near that the lower could be drawn, and its inverse is a number still.
    if (temperature < 1e-100) temperature = 1e-100;
    const float highest = logits[likeliest];
    int n = top_k < V ? top_k : V;
    Candidate *kept = malloc(n * sizeof *kept);
    double *weights = malloc(V * sizeof *weights);
    if (!kept || !weights) {
        free(kept), free(weights);
        return -1;
    }
    double total = 0;
    if (n < V) {
        keep_top_k(logits, V, n, kept);
    } else {
        for (int i = 0; i < V; i++) total += weights[i] = weigh(logits[i], highest, temperature);
        // What lies below this holds less than 1 - top_p altogether, so top-p keeps none of it, and it need not be sorted.
        const double least = top_p < 1 ? (1 - top_p) / V * total * (1 - 1e-9) : 0;
        n = 0;
        for (int i = 0; i < V; i++)
            if (weights[i] > least) kept[n++] = (Candidate){logits[i], i};
        if (n == 0) kept[n++] = (Candidate){highest, likeliest};  // only where logits are no numbers
    }
    if (top_p < 1) {
        if (top_k < V) {
            total = 0;
            for (int i = 0; i < n; i++) total += weigh(kept[i].logit, highest, temperature);
        }
        qsort(kept, n, sizeof *kept, by_rank);
        double above = 0;
        int i = 0;
        for (; i < n && (i == 0 || above < top_p * total); i++) above += weigh(kept[i].logit, highest, temperature);
        n = i;
    }
    if (top_k < V || top_p < 1) qsort(kept, n, sizeof *kept, by_id);
    double running = 0;
    for (int i = 0; i < n; i++) running += weights[i] = weigh(kept[i].logit, highest, temperature);
    const double target = number * running;
    running = 0;
    int at = 0;
    while (at < n - 1 && (running += weights[at]) <= target) at++;
    const int32_t id = kept[at].id;
    free(kept), free(weights);
    return id;
}
