// Writing on: draw, take, ask again; at a pace at which one can watch it happen.

import { announce, find } from "./dom.js";
import { spoken, textOf } from "./words.js";

const SECONDS = [4, 2, 1, 0.5, 0.25, 0.1, 0]; // for a token, by the slider's places
const SAID = ["1 word in 4 s", "1 word in 2 s", "1 word a second", "2 words a second", "4 words a second", "10 words a second", "full speed"];

/** Wire the buttons. While the model writes on, the panels that look at the resting text wait. */
export function writingPanel({ text, next, settled }) {
  const button = find("write-on");
  const one = find("write-one");
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
    for (let ready = null; ready !== next.ready(); ) {
      ready = next.ready(); // the text may have become another one meanwhile
      await ready;
    }
    if (mine !== turn) return false;
    const drawn = next.draw();
    if (drawn === null || text.isFull) return false;
    text.take(drawn.id);
    return true;
  };

  const stop = (why = "") => {
    if (!running) return;
    running = false;
    turn++;
    wake();
    button.textContent = "Write on";
    button.setAttribute("aria-pressed", "false");
    settled.hold(false);
    announce(`Written: ${text.ids.slice(began).map(textOf).join("")} ${why}`);
  };

  const start = async () => {
    running = true;
    began = text.ids.length;
    button.textContent = "Pause";
    button.setAttribute("aria-pressed", "true");
    settled.hold(true);
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
  text.addEventListener("change", () => {
    one.disabled = text.isFull || text.ids.length === 0;
    button.disabled = one.disabled && !running;
  });
  sayPace();
}
