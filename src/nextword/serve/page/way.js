// The whole way of the last token: from its number, through the stream of every layer, to the scores.

import { find, make, percent } from "./dom.js";
import { colour } from "./heat.js";
import { probabilities, rank } from "./sampling.js";
import { quoted, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const BEST = 3; // tokens whose scores are written out

const length = (vector) => Math.hypot(...vector);
const said = (x) => (x < 10 ? x.toFixed(2) : x < 100 ? x.toFixed(1) : Math.round(x).toLocaleString("en"));

/** Paint a vector as a strip, a number a pixel: one colour for those above zero, one for those below. */
function paintStrip(canvas, vector) {
  const [paper, up, down] = ["--map-paper", "--strip-up", "--strip-down"].map(colour);
  canvas.width = vector.length;
  canvas.height = 1;
  const context = canvas.getContext("2d");
  const image = context.createImageData(vector.length, 1);
  // Some few numbers are far larger than all others; measured by the root mean square the others stay visible.
  const usual = length(vector) / Math.sqrt(vector.length) || 1;
  vector.forEach((x, i) => {
    const share = Math.min(1, Math.abs(x) / (2 * usual));
    const ink = x < 0 ? down : up;
    for (let channel = 0; channel < 3; channel++) image.data[4 * i + channel] = paper[channel] + (ink[channel] - paper[channel]) * share;
    image.data[4 * i + 3] = 255;
  });
  context.putImageData(image, 0, 0);
}

export function wayPanel({ settled, model }) {
  const section = find("way");
  const { n_layer: L, n_embd: C, n_vocab: V, n_head: H } = model.config;
  let vectors = null;

  // Made once, so that nothing jumps when the numbers come.
  const row = (list, name) => {
    const parts = {
      name: make("span", { class: "way-name" }, name),
      strip: make("canvas", { class: "strip-of-numbers", width: C, height: 1, "aria-hidden": "true" }),
      added: make("span", { class: "added" }, make("i", { class: "by-attention" }), make("i", { class: "by-mlp" })),
      length: make("span", { class: "way-length" }),
    };
    const item = make("li", {}, ...Object.values(parts));
    list.append(item);
    return { item, ...parts };
  };
  const sum = ["what it is", "where it stands", "together"].map((name) => row(find("way-sum"), name));
  const layers = Array.from({ length: L }, (_, layer) => row(find("way-layers"), `layer ${layer}`));
  sum.forEach(({ added }) => added.remove());
  const scores = Array.from({ length: BEST }, () => find("way-scores").appendChild(make("li", {}, "…")));
  find("way-layers-title").textContent = `${L} times: look around, then think`;
  find("way-mlp").textContent = `${C.toLocaleString("en")} → ${(4 * C).toLocaleString("en")} → ${C.toLocaleString("en")}`;
  find("way-heads").textContent = `${H}`;
  find("way-scores-title").textContent = `Compared with all ${V.toLocaleString("en")} tokens`;

  const paint = () => {
    if (!vectors) return;
    const [what, where, ...rest] = vectors;
    const stream = rest.slice(0, L + 1);
    const attention = rest.slice(L + 1, 2 * L + 1).map(length);
    const mlp = rest.slice(2 * L + 1).map(length);
    [what, where, stream[0]].forEach((vector, i) => {
      paintStrip(sum[i].strip, vector);
      sum[i].length.textContent = said(length(vector));
    });
    const most = Math.max(...attention, ...mlp);
    layers.forEach(({ item, strip, added, length: place }, layer) => {
      paintStrip(strip, stream[layer + 1]);
      added.style.setProperty("--attention", attention[layer] / most);
      added.style.setProperty("--mlp", mlp[layer] / most);
      const words = `attention adds ${said(attention[layer])}, the MLP ${said(mlp[layer])}`;
      item.title = words;
      added.setAttribute("role", "img");
      added.setAttribute("aria-label", words);
      place.textContent = said(length(stream[layer + 1]));
    });
  };

  document.addEventListener("theme", paint);
  const again = follow(section, settled, async (ids, isStale, signal) => {
    const [numbers, logits] = await Promise.all([api.floats("/api/way", { ids }, signal), api.floats("/api/next", { ids }, signal)]);
    if (isStale()) return;
    vectors = Array.from({ length: numbers.length / C }, (_, i) => numbers.subarray(i * C, (i + 1) * C));
    const id = ids.at(-1);
    find("way-token").replaceChildren(make("b", {}, ...visible(textOf(id))), ` is token ${id.toLocaleString("en")} of ${V.toLocaleString("en")}, and stands at place ${ids.length - 1}.`);
    sum[0].name.replaceChildren("what it is ", make("code", {}, `wte[${id}]`));
    sum[1].name.replaceChildren("where it stands ", make("code", {}, `wpe[${ids.length - 1}]`));
    paint();
    const order = rank(logits);
    const chances = probabilities(logits, { temperature: 1, topK: null, topP: 1 }, order);
    scores.forEach((item, place) => {
      const best = order[place];
      item.replaceChildren(make("b", {}, ...visible(textOf(best))), ` score ${logits[best].toFixed(2).replace("-", "−")}, chance ${percent(chances[best])}`);
    });
    find("way-end").textContent = `A score one higher means e = 2.72 times as likely. Temperature, top-k and top-p come after this: see “The next word”. If ${quoted(textOf(order[0]))} is taken, it goes the whole way itself.`;
  });
  return { redraw: again };
}
