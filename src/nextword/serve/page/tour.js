// The guided tour: a card that goes from panel to panel, always right above the one it is about.

import { find, reducedMotion } from "./dom.js";
import { STOPS } from "./stops.js";
import * as api from "./api.js";

export function tour() {
  const card = find("tour");
  let stop = 0;
  let sources = null;

  const showCode = async () => {
    const { code } = STOPS[stop];
    const asked = stop;
    const [file, symbol] = code.split(":");
    find("tour-where").textContent = `The code: src/nextword/${file}, ${symbol}`;
    find("tour-code").textContent = "";
    sources ??= api.get("/api/source").catch(() => ({}));
    const found = (await sources)[code];
    if (asked !== stop) return;
    find("tour-code-box").classList.toggle("bare", !found);
    if (!found) return;
    find("tour-where").textContent = `The code: src/nextword/${file}, line ${found.line}`;
    find("tour-code").textContent = found.text;
  };

  const show = (focus = true) => {
    const { at, title, words, try: what } = STOPS[stop];
    find("tour-place").textContent = `Stop ${stop + 1} of ${STOPS.length}`;
    find("tour-title").textContent = title;
    find("tour-words").textContent = words;
    find("tour-try").textContent = what;
    find("tour-back").disabled = stop === 0;
    find("tour-on").textContent = stop === STOPS.length - 1 ? "Finish" : "Next";
    document.querySelectorAll(".panel").forEach((panel) => panel.classList.toggle("toured", panel.id === at));
    find(at).before(card);
    find("tour-code-box").open = card.clientWidth > 600;
    card.scrollIntoView({ behavior: reducedMotion() ? "auto" : "smooth", block: "start" });
    showCode();
    if (focus) find("tour-title").focus({ preventScroll: true });
  };

  const start = () => {
    stop = 0;
    card.hidden = false;
    show();
  };
  const end = () => {
    card.hidden = true;
    document.querySelectorAll(".toured").forEach((panel) => panel.classList.remove("toured"));
    find("tour-button").focus();
  };

  find("tour-button").addEventListener("click", start);
  find("tour-end").addEventListener("click", end);
  find("tour-back").addEventListener("click", () => {
    stop--;
    show();
  });
  find("tour-on").addEventListener("click", () => {
    if (stop === STOPS.length - 1) return end();
    stop++;
    show();
  });
  card.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
}
