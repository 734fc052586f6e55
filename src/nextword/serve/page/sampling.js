// From logits and a random number to the next token: `nextword.decode.choose` in the browser's words.
// The model is asked once; all that the sliders change is computed here, so that they answer at once.
// Nothing here knows of the page, and the tests hold its numbers against Python's.

const IDS = 2 ** 21; // more than any vocabulary has

/** All ids, highest logit first; among equals the lower id is first. */
export function rank(logits) {
  // Each logit and its id as one number, which the browser sorts without asking back: ten times as fast.
  const bits = new Uint32Array(Float32Array.from(logits).buffer);
  const keys = new Float64Array(bits.length);
  for (let id = 0; id < bits.length; id++) {
    const isNegative = bits[id] >>> 31 === 1;
    keys[id] = (isNegative ? bits[id] - 1 : 0x7fffffff - bits[id]) * IDS + id;
  }
  keys.sort();
  const order = new Uint32Array(bits.length);
  for (let place = 0; place < order.length; place++) order[place] = keys[place] % IDS;
  return order;
}

/**
 * What the next token is drawn from: logits (V) -> probabilities (V).
 * Temperature comes first, then top-k, then top-p among what is left. A topK of null means all tokens. With
 * temperature 0 the likeliest token has probability 1.
 */
export function probabilities(logits, { temperature, topK, topP }, order = rank(logits)) {
  const chances = new Float64Array(logits.length);
  if (temperature === 0) {
    chances[order[0]] = 1;
    return chances;
  }
  const highest = logits[order[0]]; // subtracted, so that a tiny temperature gives exp(-Infinity) and never NaN
  const K = Math.min(topK ?? order.length, order.length);
  const weights = new Float64Array(K);
  let total = 0;
  for (let place = 0; place < K; place++) {
    weights[place] = Math.exp(Math.fround(logits[order[place]] - highest) / temperature);
    total += weights[place];
  }
  const kept = topP < 1 ? nucleus(weights, topP, total) : K;
  let left = 0;
  for (let place = 0; place < kept; place++) left += weights[place];
  for (let place = 0; place < kept; place++) chances[order[place]] = weights[place] / left;
  return chances;
}

/** How many of the weights, heaviest first, it takes to hold the share p: one is kept while those before hold less. */
function nucleus(weights, p, total) {
  let before = 0;
  let kept = 0;
  while (kept < weights.length && before < p * total) before += weights[kept++];
  return kept;
}

/** Why a token cannot be drawn: "top-k", "top-p", "temperature" (which is 0), or null where it can. */
export function barred(place, chance, { temperature, topK }) {
  if (chance > 0) return null;
  if (temperature === 0) return "temperature";
  return topK !== null && place >= topK ? "top-k" : "top-p";
}

/**
 * Lay the probabilities end to end, in the order of ids given, and take the token in which the number falls:
 * the first where the running sum exceeds number * total.
 */
export function choose(chances, number, order) {
  let total = 0;
  for (const id of order) total += chances[id];
  let running = 0;
  let last = order[0];
  for (const id of order) {
    if (chances[id] === 0) continue;
    running += chances[id];
    last = id;
    if (running > number * total) return id;
  }
  return last;
}

/**
 * Choose by a number as Python does, which lays the chances end to end in the order of ids; and tell where the number
 * falls where they lie in another order, as the page shows them: {id, number}.
 */
export function draw(chances, number, order) {
  const ids = Uint32Array.from(chances, (_, id) => id);
  const total = chances.reduce((sum, chance) => sum + chance, 0);
  const id = choose(chances, number, ids);
  const before = (others) => others.slice(0, others.indexOf(id)).reduce((sum, other) => sum + chances[other], 0);
  const within = Math.min(Math.max(number * total - before(ids), 0), chances[id]);
  return { id, number: (before(order) + within) / total };
}

const TIMES = [0xd2e7470ee14c6c93n, 0xca5a826395121157n];
const STEP = [0x9e3779b97f4a7c15n, 0xbb67ae8584caa73bn];
const low = (x) => BigInt.asUintN(64, x);

/**
 * The number in [0, 1) that a seed gives to a place of the text: that of `nextword.decode.random_numbers`, which says
 * how it is made (Philox, a counter and a key stirred ten times).
 */
export function numberAt(seed, place) {
  let counter = [BigInt(Math.floor(place / 4) + 1), 0n, 0n, 0n];
  let key = [low(BigInt(seed)), 0n];
  for (let turn = 0; turn < 10; turn++) {
    const [x, y] = [TIMES[0] * counter[0], TIMES[1] * counter[2]];
    counter = [(y >> 64n) ^ counter[1] ^ key[0], low(y), (x >> 64n) ^ counter[3] ^ key[1], low(x)];
    key = key.map((word, n) => low(word + STEP[n]));
  }
  return Number(counter[place % 4] >> 11n) / 2 ** 53;
}
