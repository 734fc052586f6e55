// The page's arithmetic against Python's: run by test_sampling.py, which hands the cases over in a file.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { pathToFileURL } from "node:url";

const { barred, choose, probabilities, rank } = await import(pathToFileURL(process.env.SAMPLING));
const cases = JSON.parse(readFileSync(process.env.CASES, "utf8"));
assert.ok(cases.length > 100);

for (const { name, logits, settings, chances, numbers, ids } of cases) {
  test(name, () => {
    const scores = Float32Array.from(logits);
    const found = probabilities(scores, settings);
    chances.forEach((chance, id) => {
      // What one of them forbids the other has to forbid as well. Python's are float32, which ends at 1e-45.
      assert.equal(Math.fround(found[id]) === 0, chance === 0, `id ${id}: ${found[id]} and ${chance}`);
      assert.ok(Math.abs(found[id] - chance) <= 2e-7 * Math.max(chance, 1e-3), `id ${id}: ${found[id]} and ${chance}`);
    });
    const inOrderOfIds = logits.map((_, id) => id);
    numbers.forEach((number, i) => assert.equal(choose(found, number, inOrderOfIds), ids[i], `number ${number}`));
  });
}

test("ranks put the lower id first among equals", () => {
  assert.deepEqual([...rank(Float32Array.from([1, 3, 3, -2, 3]))], [1, 2, 4, 0, 3]);
});

test("why a token cannot be drawn", () => {
  assert.equal(barred(0, 0.5, { temperature: 1, topK: 1 }), null);
  assert.equal(barred(1, 0, { temperature: 1, topK: 1 }), "top-k");
  assert.equal(barred(1, 0, { temperature: 1, topK: 5 }), "top-p");
  assert.equal(barred(1, 0, { temperature: 1, topK: null }), "top-p");
  assert.equal(barred(1, 0, { temperature: 0, topK: 5 }), "temperature");
});

test("the largest number there is falls on a token that can be drawn", () => {
  assert.equal(choose(Float64Array.from([0.3, 0.7, 0]), 1 - 2 ** -53, [0, 1, 2]), 1);
});
