// Training, live: the loss so far, what the model wrote, and where each head looked as it learned.

import { find, make } from "./dom.js";
import { lossChart } from "./loss.js";
import { paintLarge } from "./heat.js";
import { textOf } from "./words.js";
import * as api from "./api.js";

const EVERY = 2000; // milliseconds between two looks at the run

const last = (list, before = Infinity) => list.filter((one) => one.step <= before).at(-1);

export function trainingPanel({ model }) {
  if (!model.run) {
    find("training-lead").textContent = "This model is not a run of nextword’s own, so nothing is known of its training. Train one, and serve its directory while it learns:";
    find("training-lead").after(make("pre", { class: "command", tabindex: "0" }, "nextword train --data story --out runs/story\nnextword serve --model runs/story"));
    return;
  }
  const section = find("training");
  const slider = find("run-step");
  let run = null;
  let inSight = false;
  let follows = true; // the newest step, until the reader moves the slider away from it
  let painted = "";
  let timer = 0;
  const chart = lossChart(find("loss"), (step) => moveTo(step));

  for (const [id, n] of [["run-layer", model.config.n_layer], ["run-head", model.config.n_head]]) {
    for (let i = 0; i < n; i++) find(id).append(make("option", { value: i }, `${i}`));
    find(id).addEventListener("change", () => run && paintHead());
  }
  find("run").hidden = false;

  const paintHead = async () => {
    const { steps, ids } = run.attention;
    const step = steps.filter((one) => one <= Number(slider.value)).at(-1) ?? steps[0];
    const name = find("run-head-name");
    if (step === undefined) {
      name.textContent = "Where the heads look is kept each time the validation loss is measured. Nothing is there yet.";
      return;
    }
    const question = { step, layer: Number(find("run-layer").value), head: Number(find("run-head").value) };
    const asked = JSON.stringify(question);
    if (painted === asked) return;
    painted = asked;
    try {
      const weights = await api.floats("/api/run/attention", question);
      if (painted !== asked) return;
      name.textContent = step === 0 ? "before it had learned anything" : `after step ${step}`;
      paintLarge(find("run-map"), weights, ids.map((id) => textOf(id).trim() || "␣"), null);
      find("run-map").setAttribute("aria-label", `Attention of layer ${question.layer}, head ${question.head}, after step ${step}`);
    } catch (error) {
      if (painted !== asked) return;
      name.textContent = error.message;
      painted = "";
    }
  };

  const draw = () => {
    const newest = run.steps.at(-1)?.step ?? 0;
    slider.max = newest;
    if (follows) slider.value = newest;
    const step = Number(slider.value);
    find("run-step-said").textContent = `${step} of ${newest}`;
    const train = last(run.steps.filter((one) => one.train_loss !== null), step);
    const val = last(run.steps.filter((one) => one.val_loss !== null), step);
    find("run-live").replaceChildren(
      make("span", {}, run.dir.split("/").slice(-2).join("/")),
      make("span", {}, [train && `training loss ${train.train_loss.toFixed(2)}`, val && `validation loss ${val.val_loss.toFixed(2)}`].filter(Boolean).join(", ")),
    );
    chart(run.steps, step);
    const sample = last(run.samples, step) ?? run.samples[0];
    find("sample").replaceChildren(...(sample ? [make("b", {}, sample.prompt), sample.text.startsWith(" ") ? "" : " ", sample.text, make("footer", { class: "quiet" }, `written at step ${sample.step}`)] : [make("footer", { class: "quiet" }, "Nothing written yet.")]));
    paintHead();
  };

  const look = async () => {
    clearTimeout(timer);
    if (!inSight) return;
    try {
      const found = await api.get("/api/run");
      const isNew = JSON.stringify(found) !== JSON.stringify(run);
      run = found;
      if (isNew) draw();
    } catch (error) {
      find("run-live").textContent = error.message;
    }
    timer = setTimeout(look, EVERY);
  };

  const moveTo = (step) => {
    slider.value = step;
    follows = Number(slider.value) === Number(slider.max);
    if (run) draw();
  };
  slider.addEventListener("input", () => moveTo(slider.value));
  document.addEventListener("theme", () => run && ((painted = ""), paintHead()));
  new ResizeObserver(() => run && ((painted = ""), paintHead())).observe(find("run-map"));
  new IntersectionObserver(
    (entries) => {
      inSight = entries.at(-1).isIntersecting;
      look();
    },
    { rootMargin: "200px" },
  ).observe(section);
}
