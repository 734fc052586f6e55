// The tree of branches: where the text forked, and the way back to each fork.

import { find, make } from "./dom.js";
import { textOf } from "./words.js";

/** A run of tokens without a fork is one piece of the tree. */
function runFrom(place) {
  const run = [place];
  while (place.below.length === 1) run.push((place = place.below[0]));
  return run;
}

const words = (run) => run.map((place) => textOf(place.id)).join("");

/** Show the tree as lists in lists; each piece is a button that goes to its end. */
export function branchesPanel({ text }) {
  const box = find("tree");

  const list = (places, path) =>
    make("ul", {}, ...places.map((place) => {
      const run = runFrom(place);
      const end = run.at(-1);
      const on = path.has(place);
      const button = make("button", { type: "button", class: on ? "branch on" : "branch", "aria-current": end === text.here ? "true" : null });
      // What lies beyond the place where the reader stands is shown pale.
      const passed = run.filter((other) => path.has(other));
      const ahead = run.filter((other) => !path.has(other));
      if (passed.length) button.append(make("span", {}, words(passed).trimStart() || "↵"));
      if (ahead.length) button.append(make("span", { class: "ahead" }, words(ahead)));
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
    find("prune").disabled = forks < 2;
  };
  const soon = () => {
    if (due) return;
    due = true;
    requestAnimationFrame(draw);
  };
  text.addEventListener("change", soon);
  find("prune").addEventListener("click", () => text.prune());
  return { redraw: soon };
}
