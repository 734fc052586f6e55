// The tree of branches: where the text forked, and the way back to each fork.

import { announce, find, make } from "./dom.js";
import { onOneLine, textOfAll } from "./words.js";

/** A run of tokens without a fork is one piece of the tree. */
function runFrom(place) {
  const run = [place];
  while (place.below.length === 1) run.push((place = place.below[0]));
  return run;
}

const words = (run) => textOfAll(run.map((place) => place.id));

/** Show the tree as lists in lists; each piece is a button that goes to its end. */
export function branchesPanel({ text }) {
  const box = find("tree");
  const prune = find("prune");

  const list = (places, path) =>
    make("ul", {}, ...places.map((place) => {
      const run = runFrom(place);
      const end = run.at(-1);
      const on = path.has(place);
      const button = make("button", { type: "button", class: on ? "branch on" : "branch", "aria-current": end === text.here ? "true" : null });
      // What lies beyond the place where the reader stands is shown pale.
      const passed = run.filter((other) => path.has(other));
      const ahead = run.filter((other) => !path.has(other));
      if (passed.length) button.append(make("span", {}, ...onOneLine(words(passed))));
      if (ahead.length) button.append(make("span", { class: "ahead" }, ...onOneLine(words(ahead))));
      button.addEventListener("click", () => text.go(end));
      const item = make("li", {}, button);
      if (end.below.length) item.append(list(end.below, path));
      return item;
    }));

  let due = false;
  const draw = () => {
    due = false;
    const path = new Set(text.path());
    const held = box.contains(document.activeElement);
    box.replaceChildren(list(text.root.below, path));
    if (held) box.querySelector("[aria-current]")?.focus();
    const forks = box.querySelectorAll(".branch").length;
    // Where all that can be undone is the last cut, the same button undoes it: so it keeps the focus, too.
    prune.dataset.does = forks < 2 && text.forgotten.length ? "restore" : "prune";
    prune.textContent = prune.dataset.does === "restore" ? "Bring the others back" : "Keep this branch only";
    prune.disabled = forks < 2 && text.forgotten.length === 0;
  };
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };
  text.addEventListener("change", soon);
  prune.addEventListener("click", () => {
    const restores = prune.dataset.does === "restore";
    if (restores) text.restore();
    else text.prune();
    announce(restores ? "The other branches are back." : "Only this branch is kept.");
  });
  return { redraw: soon };
}
