// Writing on: draw, take, ask again; at a pace at which one can watch it happen.

import { announce, find } from "./dom.js";
import { spoken, textOf, textOfAll } from "./words.js";

const SECONDS = [4, 2, 1, 0.5, 0.25, 0.1, 0]; // for a token, by the slider's places
const SAID = ["1 token in 4 s", "1 token in 2 s", "1 token a second", "2 tokens a second", "up to 4 a second", "up to 10 a second", "as fast as it can"];

/** Wire the buttons. While the model writes on, the panels that look at the resting text wait. */
export function writingPanel({ text, next, settled }) {
  const button = find("write-on");
  const one = find("write-one");
  const back = find("back");
  const pace = find("pace");
  let running = false;
  let began = 0;
  let turn = 0;
  let wake = () => {};

  // A change of pace counts at once, not after a long wait.
  const wait = () => new Promise((resolve) => {
    const timer = setTimeout(resolve, 1000 * SECONDS[pace.value]);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });

  /** One token; false where there is none to be had, or where it is no longer wanted when it is there. */
  const step = async () => {
    const mine = turn;
    await text.reading;
    next.retry();
    for (let ready = null; ready !== next.ready(); ) {
      ready = next.ready(); // the text may have become another one meanwhile
      await ready;
    }
    if (mine !== turn) return false;
    const drawn = next.draw();
    if (drawn === null || text.isFull) return false;
    text.take(drawn.id, drawn.known);
    return true;
  };

  const enable = () => {
    const held = document.activeElement; // asked first, since a button that is switched off loses the focus
    one.disabled = text.isFull || text.ids.length === 0;
    button.disabled = one.disabled && !running;
    back.disabled = text.ids.length < 2;
    const all = [back, one, button];
    if (all.includes(held) && held.disabled) all.find((own) => !own.disabled)?.focus();
  };

  const stop = (why = "") => {
    if (!running) return;
    running = false;
    turn++;
    wake();
    button.textContent = "Write on";
    button.setAttribute("aria-pressed", "false");
    settled.hold(false);
    find("next").classList.remove("writes");
    announce(`Written: ${textOfAll(text.ids.slice(began))} ${why}`);
    enable();
  };

  const start = async () => {
    running = true;
    began = text.ids.length;
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    settled.hold(true);
    find("next").classList.add("writes");
    const mine = ++turn;
    while (mine === turn) {
      if (!(await step())) return mine === turn && stop(text.isFull ? `The model sees ${text.limit} tokens at most, and the text has as many.` : "");
      await wait();
    }
  };

  const sayPace = () => {
    find("pace-said").textContent = SAID[pace.value];
    pace.setAttribute("aria-valuetext", SAID[pace.value]);
  };

  button.addEventListener("click", () => (running ? stop() : start()));
  one.addEventListener("click", async () => {
    if (await step()) announce(`Taken: ${spoken(textOf(text.here.id))}`);
  });
  find("prompt").addEventListener("input", () => (running ? stop() : turn++));
  pace.addEventListener("input", () => {
    sayPace();
    wake();
  });
  const goBack = () => {
    stop();
    if (text.ids.length < 2) return;
    const { id } = text.here;
    text.back();
    announce(`Back before: ${spoken(textOf(id))}`);
  };
  back.addEventListener("click", goBack);
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") stop();
    const undoes = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!undoes || event.target.matches("textarea, input:not([type=range])")) return; // the box has an undo of its own
    event.preventDefault();
    goBack();
  });
  text.addEventListener("change", enable);
  sayPace();
}
