// The next word: from the model's scores, through temperature, top-k and top-p, to the one token that is drawn.

import { announce, find, make, percent, rove, standOn } from "./dom.js";
import { weights } from "./api.js";
import { barred, draw as drawBy, numberAt, probabilities, rank } from "./sampling.js";
import { onOneLine, quoted, spoken, textOf, visible } from "./words.js";

const ROWS = 12;
const LIKELIEST = 5; // are kept of what else could have stood in a token's place
const KS = [1, 2, 3, 4, 5, 10, 20, 30, 40, 50, 100, 500, 5000, null]; // the slider's places; null allows every token

/** The slider's place for what a link says k is: "40", or "all". */
const nearestK = (value) => (value === "all" ? KS.length - 1 : KS.findIndex((k) => k === null || k >= Number(value)));

/** What a slider or a box holds, in words; null where it is as at first. */
function unlessFirst(id, inWords = (value) => value) {
  const { value, defaultValue } = find(id);
  return value.trim() === defaultValue ? null : `${inWords(value.trim())}`;
}

/** Set a slider or a box as a link says; as at first where it says nothing, or no number. */
function set(id, value) {
  const isGiven = value !== null && value !== "" && (find(id).type !== "range" || Number.isFinite(Number(value)));
  find(id).value = isGiven ? value : find(id).defaultValue;
  find(id).dispatchEvent(new Event("input"));
}

const SEED_SAID = {
  none: "Without a seed, every draw is another one.",
  some: "Each place of the text has its own number now: the same text goes on in the same way.",
};

/** Show the distribution, and give back what the writer needs: ready(), retry() and draw(). */
export function nextPanel({ text, trouble, speaker, address }) {
  const rows = [];
  let logits = null;
  let order = null;
  let chances = null;
  let model = null; // the chances before any slider: temperature 1, every token
  let by = null; // the weights that gave them
  let drawn = null;
  let turn = 0;
  let question = new AbortController();
  let failed = false;

  const seed = () => {
    const typed = find("seed").value.trim();
    return /^\d+$/.test(typed) ? BigInt(typed) % 2n ** 64n : null;
  };
  address.hold("temperature", () => unlessFirst("temperature"), (value) => set("temperature", value));
  address.hold("top-k", () => unlessFirst("top-k", (place) => KS[place] ?? "all"), (value) => set("top-k", value && nearestK(value)));
  address.hold("top-p", () => unlessFirst("top-p"), (value) => set("top-p", value));
  address.hold("seed", () => unlessFirst("seed"), (value) => set("seed", value));

  const settings = () => ({
    temperature: Number(find("temperature").value),
    topK: KS[Number(find("top-k").value)],
    topP: Number(find("top-p").value),
  });

  // The rows are made once and only change, so that nothing jumps and the focus stays where it is.
  const list = find("bars");
  for (let place = 0; place < ROWS; place++) {
    const parts = {
      word: make("span", { class: "word" }),
      score: make("span", { class: "score" }),
      bar: make("span", { class: "bar" }, make("i", { class: "bar-model" }), make("i", { class: "bar-final" }), make("span", { class: "why" })),
      before: make("span", { class: "before" }),
      chance: make("span", { class: "chance" }),
    };
    const button = make("button", { type: "button", class: "candidate", tabindex: place ? "-1" : "0", disabled: "" }, parts.word, parts.score, parts.bar, parts.before, parts.chance);
    button.addEventListener("click", () => order && take(order[place]));
    list.append(make("li", {}, button));
    rows.push({ button, ...parts });
  }
  rove(list, ".candidate");

  const strip = find("strip");
  const pieces = rows.map(() => strip.appendChild(make("i", { class: "piece" })));
  const others = strip.appendChild(make("i", { class: "piece others" }));
  const pin = strip.appendChild(make("b", { class: "pin" }));

  // What the whole model held of a token goes with it into the text, so that it need not be asked again.
  const known = (id) => speaker.without ? null : ({ by, logprob: Math.log(model[id]), top: [...order.slice(0, LIKELIEST)].map((other) => ({ id: other, logprob: Math.log(model[other]) })) });

  const take = (id) => {
    announce(`Taken: ${spoken(textOf(id))}`);
    text.take(id, known(id));
  };

  const draw = () => {
    const found = drawBy(chances, seed() === null ? Math.random() : numberAt(seed(), text.ids.length), order);
    return { ...found, known: known(found.id) };
  };

  const pen = document.createElement("canvas").getContext("2d");
  const width = (words) => {
    pen.font = getComputedStyle(pieces[0]).font;
    return pen.measureText(words).width;
  };

  const sayNumbers = () => {
    const { temperature, topK, topP } = settings();
    find("temperature-said").textContent = temperature === 0 ? "0, the likeliest" : temperature.toFixed(2);
    find("top-k-said").textContent = topK === null ? "all" : topK.toLocaleString("en");
    find("top-k").setAttribute("aria-valuetext", topK === null ? "all tokens" : `${topK} tokens`);
    find("top-p-said").textContent = topP === 1 ? "all" : topP.toFixed(2);
    const wrong = find("seed").value.trim() !== "" && seed() === null;
    find("seed").setAttribute("aria-invalid", String(wrong));
    find("seed-said").textContent = wrong ? "A seed is a whole number." : SEED_SAID[seed() === null ? "none" : "some"];
  };

  const forgetDraw = () => {
    drawn = null;
    pin.classList.remove("shown");
    find("take-drawn").disabled = true;
    find("take-drawn").textContent = "Take it";
    find("drawn").textContent = "A random number from 0 to 1 picks the place.";
    [...pieces, others].forEach((piece) => piece.classList.remove("hit"));
    rows.forEach(({ button }) => button.classList.remove("hit"));
  };

  const recompute = () => {
    sayNumbers();
    if (!logits) return;
    const now = settings();
    chances = probabilities(logits, now, order);
    const longest = Math.max(chances[order[0]], model[order[0]]);
    let shown = 0;
    rows.forEach(({ button, word, score, bar, before, chance }, place) => {
      const id = order[place];
      button.parentElement.hidden = id === undefined;
      if (id === undefined) return;
      const p = chances[id];
      const why = barred(place, p, now);
      shown += p;
      word.replaceChildren(...visible(textOf(id)));
      score.textContent = logits[id].toFixed(1).replace("-", "−");
      bar.style.setProperty("--model", model[id] / longest);
      bar.style.setProperty("--final", p / longest);
      bar.lastChild.textContent = why === null ? "" : why === "temperature" ? "not the likeliest" : `beyond ${why}`;
      chance.textContent = percent(p);
      before.textContent = percent(model[id]);
      button.classList.toggle("barred", why !== null);
      button.disabled = false;
      button.setAttribute("aria-label", `Take ${spoken(textOf(id))}: score ${logits[id].toFixed(1)}, chance ${percent(p)}${percent(p) === percent(model[id]) ? "" : `, as the model says ${percent(model[id])}`}${why === null ? "" : `, cannot be drawn: ${why}`}`);
      pieces[place].style.flexGrow = p;
      const name = textOf(id).replace(/^ (?=.)/, "").replaceAll("\n", "↵");
      pieces[place].replaceChildren(...(p * strip.clientWidth > width(name) + 8 ? onOneLine(name) : []));
    });
    const left = Math.max(0, 1 - shown);
    others.style.flexGrow = left < 1e-9 ? 0 : left;
    others.textContent = left > 0.12 ? "others" : "";
    const allowed = chances.reduce((n, p) => n + (p > 0), 0);
    const unseen = allowed - rows.filter((_, place) => chances[order[place]] > 0).length;
    const share = unseen === 0 ? "All of them are shown." : `Those not shown share ${percent(left)}.`;
    find("rest").textContent = `${allowed.toLocaleString("en")} of ${logits.length.toLocaleString("en")} tokens can be drawn. ${share}`;
    strip.setAttribute("aria-label", `Chances laid end to end: ${rows.map((_, place) => order[place]).filter((id) => chances[id] > 0).slice(0, 5).map((id) => `${spoken(textOf(id))} ${percent(chances[id])}`).join(", ")}`);
    forgetDraw();
  };

  /** Nothing is known, so nothing is shown. */
  const clear = (why) => {
    find("next").removeAttribute("aria-busy");
    rows.forEach(({ button, word, score, bar, before, chance }) => {
      for (const part of [word, score, before, chance, bar.lastChild]) part.textContent = "";
      bar.style.setProperty("--model", 0);
      bar.style.setProperty("--final", 0);
      button.classList.remove("barred");
      button.disabled = true;
      button.removeAttribute("aria-label");
    });
    [...pieces, others].forEach((piece) => {
      piece.style.flexGrow = 0;
      piece.textContent = "";
    });
    find("rest").textContent = "";
    strip.setAttribute("aria-label", `Chances laid end to end: ${why}`);
  };

  const ask = async () => {
    const mine = ++turn;
    question.abort();
    question = new AbortController();
    logits = order = chances = null; // what is shown is about another text: it can be neither taken nor recomputed
    forgetDraw();
    find("draw").disabled = true;
    const ids = text.ids;
    failed = false;
    if (ids.length === 0) return clear("there is no text yet");
    find("next").setAttribute("aria-busy", "true");
    try {
      by = weights();
      const found = await speaker.logits(ids, question.signal);
      if (mine !== turn) return;
      logits = found;
      order = rank(logits);
      model = probabilities(logits, { temperature: 1, topK: null, topP: 1 }, order);
      recompute();
      trouble(null);
      find("draw").disabled = false;
    } catch (error) {
      if (mine !== turn) return;
      failed = true;
      clear("the server did not say them");
      trouble(error);
    } finally {
      if (mine === turn) find("next").removeAttribute("aria-busy");
    }
  };

  find("draw").addEventListener("click", () => {
    if (!chances) return;
    forgetDraw();
    drawn = draw();
    const place = order.indexOf(drawn.id);
    pin.style.left = `${100 * drawn.number}%`;
    pin.classList.add("shown");
    (pieces[place] ?? others).classList.add("hit");
    rows[place]?.button.classList.add("hit");
    find("drawn").textContent = `${drawn.number.toFixed(4)} falls on ${quoted(textOf(drawn.id))}.`;
    find("take-drawn").textContent = `Take ${quoted(textOf(drawn.id))}`;
    find("take-drawn").disabled = false;
  });
  find("take-drawn").addEventListener("click", () => {
    if (!drawn) return;
    take(drawn.id);
    const held = document.activeElement;
    ready.then(() => [held, document.body].includes(document.activeElement) && find("draw").focus()); // until then it is off
  });
  for (const id of ["temperature", "top-k", "top-p", "seed"]) {
    find(id).addEventListener("input", () => {
      recompute();
      address.changed();
    });
  }
  find("reset").addEventListener("click", () => {
    for (const id of ["temperature", "top-k", "top-p", "seed"]) find(id).value = find(id).defaultValue;
    recompute();
    address.changed();
  });
  text.addEventListener("change", () => {
    ready = ask();
    standOn(rows.map(({ button }) => button), 0);
  });
  speaker.addEventListener("change", () => (ready = ask()));
  sayNumbers();
  let ready = Promise.resolve();
  /** Ask once more, where the last question had no answer. */
  const retry = () => failed && (ready = ask());
  return { retry, ready: () => ready, draw: () => (chances ? draw() : null), recompute };
}
