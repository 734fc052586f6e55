// Training, live: the loss so far, what the model wrote, and where each head looked as it learned. Whatever is shown was
// there at the chosen step: the newest that was kept by then, and its own step is told.

import { find, make, reducedMotion } from "./dom.js";
import { learnedHead } from "./learnedhead.js";
import { lossChart } from "./loss.js";
import * as api from "./api.js";

const EVERY = 2000; // milliseconds between two looks at the run
const WALK = 12_000; // milliseconds that the play button takes from the first step to the last
const TICK = 100; // of them, from one picture to the next
const LINGER = 1500; // from one picture to the next where there is to be no motion

const last = (list, before = Infinity) => list.filter((one) => one.step <= before).at(-1);
const at = (one, step) => (one.step === step ? "" : ` (measured at step ${one.step})`);

/** What there is to see at the losses of this run, beyond what is true of every run; "" where there is nothing yet. */
function verdict({ steps, data }) {
  const val = steps.filter((one) => one.val_loss !== null);
  const train = last(steps.filter((one) => one.train_loss !== null));
  if (!train || val.length === 0) return "";
  const best = val.reduce((least, one) => (one.val_loss < least.val_loss ? one : least));
  if (val.at(-1).val_loss < best.val_loss + 0.1 || train.train_loss > best.val_loss - 1) return "";
  const tokens = data ? `its ${data.train_tokens.toLocaleString("en")} tokens` : "its text";
  return `Here the orange line rises again after step ${best.step}, while the blue one falls: the model learns ${tokens} by heart, and that is no help with a text it has not read.`;
}

export function trainingPanel({ model, address }) {
  if (!model.run) {
    find("training-lead").textContent = "This model is not a run of nextword’s own, so nothing is known of its training. Train one, and serve its directory while it learns:";
    find("training-lead").after(make("pre", { class: "command", tabindex: "0" }, "nextword train --data story --out runs/story\nnextword serve --model runs/story"));
    return { redraw: () => {} };
  }
  const slider = find("run-step");
  const play = find("run-play");
  const { n_vocab } = model.config;
  const guess = Math.log(n_vocab);
  let run = null;
  let inSight = false;
  let follows = true; // the newest step, until the reader moves the slider away from it
  let wanted = null; // the step of a link, until the run is there
  let timer = 0;
  let walking = 0;
  const chart = lossChart(find("loss"), guess, (step) => choose(step));
  const head = learnedHead(model, address);
  find("run").hidden = false;

  /** Whether these losses are normal, unless the sentence about learning by heart has said so. */
  const tellVerdict = (heart) => {
    const box = find("loss-verdict");
    const { verdict: words, kind, normal } = run.expected ?? {};
    box.hidden = !words || (heart !== "" && kind === "by heart");
    box.textContent = words ?? "";
    box.classList.toggle("warned", normal === false);
  };

  const drawLosses = (step) => {
    const train = last(run.steps.filter((one) => one.train_loss !== null), step);
    const val = last(run.steps.filter((one) => one.val_loss !== null), step);
    const losses = [train && `training loss ${train.train_loss.toFixed(2)}${at(train, step)}`, val && `validation loss ${val.val_loss.toFixed(2)}${at(val, step)}`];
    find("run-live").replaceChildren(make("span", {}, run.dir.split("/").slice(-2).join("/")), make("span", {}, losses.filter(Boolean).join(", ")));
    const band = run.expected?.band ?? [];
    chart(run.steps, step, band);
    find("key-band").hidden = band.length < 2;
    const all = n_vocab.toLocaleString("en");
    find("loss-words").textContent = `The loss is how surprised the model is by the token that really comes: −ln of the chance it gave to that token, on average. One that knows nothing gives each of ${all} tokens the same chance and pays ln ${all} = ${guess.toFixed(2)}; one that is certain, and right, pays 0.`;
    const heart = verdict(run);
    find("loss-lines").textContent = `The blue line is the loss on the text that it learns from, the orange one on the end of that text, which is kept away from learning: the validation text. ${heart}`;
    tellVerdict(heart);
  };

  const drawSample = (step) => {
    const sample = last(run.samples, step);
    const [first] = run.samples;
    const when = !first
      ? "Nothing is written yet."
      : !sample
        ? `What it wrote is kept from step ${first.step} on.`
        : `Written ${sample.step === 0 ? "at step 0, before the first update" : `after step ${sample.step}`}:`;
    find("sample").replaceChildren(make("p", { class: "quiet sample-when" }, when), ...(sample ? [make("b", {}, sample.prompt), sample.text] : []));
  };

  const draw = () => {
    const newest = run.steps.at(-1)?.step ?? 0;
    slider.max = newest;
    if (wanted !== null) moveTo(wanted);
    if (follows) slider.value = newest;
    const step = Number(slider.value);
    find("run-step-said").textContent = `${step} of ${newest}`;
    find("run-ticks").replaceChildren(
      ...run.attention.steps.map((kept) => {
        const tick = make("i");
        tick.style.setProperty("--at", newest ? kept / newest : 0);
        return tick;
      }),
    );
    drawLosses(step);
    drawSample(step);
    head.draw(run, step);
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
    wanted = null;
    if (run) draw();
    address.changed();
  };
  address.hold(
    "step",
    () => (follows ? null : slider.value),
    (step) => {
      wanted = step !== null && /^\d+$/.test(step) ? Number(step) : null;
      follows = wanted === null;
      if (run) draw();
    },
  );

  const halt = () => {
    clearInterval(walking);
    walking = 0;
    play.textContent = "Play";
  };
  const walk = () => {
    const [here, end] = [Number(slider.value), Number(slider.max)];
    const next = run.attention.steps.find((kept) => kept > here) ?? end;
    moveTo(reducedMotion() ? next : Math.min(end, here + Math.max(1, Math.round((end * TICK) / WALK))));
    if (Number(slider.value) === end) halt();
  };
  play.addEventListener("click", () => {
    if (walking) return halt();
    if (!run || slider.max === "0") return;
    play.textContent = "Pause";
    if (slider.value === slider.max) moveTo(0);
    walking = setInterval(walk, reducedMotion() ? LINGER : TICK);
  });

  const choose = (step) => {
    halt();
    moveTo(step);
  };
  slider.addEventListener("input", () => choose(slider.value));
  new IntersectionObserver(
    (entries) => {
      inSight = entries.at(-1).isIntersecting;
      if (!inSight) halt();
      look();
    },
    { rootMargin: "200px" },
  ).observe(find("training"));
  return { redraw: head.paint };
}
