// One head as it learned: where it looked in the same text each time somebody looked.

import { find, make, percent } from "./dom.js";
import { paintLarge } from "./heat.js";
import { quoted, spoken, textOf } from "./words.js";
import { headIn } from "./address.js";
import * as api from "./api.js";

/** Gives back draw(run, step), which shows the head as it was kept at that step, or last before it, and paint(). */
export function learnedHead({ config }, address) {
  const canvas = find("run-map");
  let run = null;
  let step = 0;
  let shown = null; // { asked, weights }
  let wanted = "";
  let cell = null; // under the pointer
  let cellAt = () => null;

  for (const [id, n] of [["run-layer", config.n_layer], ["run-head", config.n_head]]) {
    for (let i = 0; i < n; i++) find(id).append(make("option", { value: i }, `${i}`));
    find(id).addEventListener("change", () => {
      if (run) draw(run, step);
      address.changed();
    });
  }
  address.hold(
    "learned",
    () => (find("run-layer").value === "0" && find("run-head").value === "0" ? null : `${find("run-layer").value}.${find("run-head").value}`),
    (value) => {
      [find("run-layer").value, find("run-head").value] = headIn(value, config) ?? [0, 0];
      if (run) draw(run, step);
    },
  );

  const word = (i) => textOf(run.attention.ids[i]);

  const paint = () => {
    if (!shown) return;
    const { asked, weights } = shown;
    const T = run.attention.ids.length;
    const [row, column] = cell ?? [null, null];
    cellAt = paintLarge(canvas, weights, run.attention.ids.map((_, i) => word(i).replaceAll("\n", "↵").trim() || "␣"), row, column);
    const best = (i) => weights.subarray(i * T, i * T + i + 1).reduce((most, weight, j, all) => (weight > all[most] ? j : most), 0);
    canvas.setAttribute("aria-label", `Attention of layer ${asked.layer}, head ${asked.head}, after step ${asked.step}. The last token looks most at ${spoken(word(best(T - 1)))}.`);
    const says = () => {
      if (row === null) return "Point at the map to see how much a token looks at another.";
      const at = column ?? best(row);
      if (at > row) return `${quoted(word(row))} cannot see ${quoted(word(at))}: it comes later.`;
      return `${quoted(word(row))} looks ${column === null ? "most " : ""}at ${at === row ? "itself" : quoted(word(at))} with ${percent(weights[row * T + at])} of its attention.`;
    };
    find("run-looks").textContent = says();
  };

  const draw = async (newRun, newStep) => {
    run = newRun;
    step = newStep;
    const kept = run.attention.steps.filter((one) => one <= step).at(-1);
    const name = find("run-head-name");
    if (kept === undefined) {
      wanted = "";
      shown = null;
      canvas.getContext("2d").clearRect(0, 0, canvas.width, canvas.height);
      const [first] = run.attention.steps;
      name.textContent = first === undefined ? "Where the heads look is kept each time the validation loss is measured. Nothing is there yet." : `Nobody looked before step ${first}.`;
      return;
    }
    const question = { step: kept, layer: Number(find("run-layer").value), head: Number(find("run-head").value) };
    const asked = JSON.stringify([question, run.begun]); // another run in its place has other heads at that step
    if (wanted === asked) return;
    wanted = asked;
    try {
      const weights = await api.floatsOf(run.begun, "/api/run/attention", question);
      if (wanted !== asked) return;
      name.textContent = kept === 0 ? "as it was at step 0, before the first update" : `as it was after step ${kept}`;
      shown = { asked: question, weights };
      paint();
    } catch (error) {
      if (wanted !== asked) return;
      name.textContent = error.message;
      wanted = "";
    }
  };

  const point = (event) => {
    cell = event.type === "pointerleave" ? null : cellAt(event.offsetX, event.offsetY);
    paint();
  };
  for (const kind of ["pointermove", "pointerdown", "pointerleave"]) canvas.addEventListener(kind, point);
  document.addEventListener("theme", paint);
  new ResizeObserver(paint).observe(canvas);
  return { draw, paint };
}
