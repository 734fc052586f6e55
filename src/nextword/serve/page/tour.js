// The guided tour: a sheet at the lower edge that goes from stop to stop, brings a text in which there is something to
// see, and scrolls what each is about into the room above it. In the order of Tab it stands before the panel it speaks of.
// It begins with the small model that comes with nextword, where that is beside this one: there each stop shows what it
// says. Any stop can then be looked at on the reader's own.

import { find, make, reducedMotion } from "./dom.js";
import { STOPS } from "./stops.js";
import * as api from "./api.js";

const SMALL = "heads/"; // where the small model is, beside another one
const AIR = 12; // pixels between what is shown and the edges of the room for it
const PATIENCE = 300; // milliseconds to wait for the code, which decides on the sheet's height, before scrolling
const LEAD = 3000; // milliseconds in which a panel may still grow while its answers come, and is scrolled after

export function tour(page) {
  const { address, model } = page;
  const card = find("tour");
  const isGuide = model.other?.path !== SMALL;
  let stop = 0; // kept when the tour is closed, so that one can go on with it
  let leads = false; // until the reader does something, or the panel has had its time
  let timer = 0;
  let sources = null;
  let brought = null; // the text that a stop brought last

  /** Each line with its own indent, so that a line too long goes on further in. */
  const codeLine = (line) => {
    const element = make("span", { class: "code-line" }, line.trimStart() || "\u00a0");
    element.style.setProperty("--indent", `${line.length - line.trimStart().length}ch`);
    return element;
  };

  const showCode = async () => {
    const { code, runs } = STOPS[stop];
    const asked = stop;
    const [file, symbol] = code.split(":");
    find("tour-where").textContent = `The code (${runs}): src/nextword/${file}, ${symbol}`;
    sources ??= api.get("/api/source").catch(() => ({}));
    const found = (await sources)[code];
    if (asked !== stop) return;
    find("tour-code-box").classList.toggle("bare", !found);
    if (!found) return;
    find("tour-where").textContent = `The code (${runs}): src/nextword/${file}, line ${found.line}`;
    find("tour-code").replaceChildren(...found.text.split("\n").map(codeLine));
  };

  /** Scroll until what the stop is about stands between the page's head and the sheet; if it is too tall, its beginning. */
  const bringIntoSight = () => {
    const { at, shows } = STOPS[stop];
    const panel = find(at);
    const shown = shows.map((selector) => panel.querySelector(selector)).filter((one) => one?.getClientRects().length);
    const desk = document.querySelector(".desk"); // it scrolls by itself where the window is low
    desk.scrollTop = 0;
    if (desk.contains(panel)) desk.scrollTop = Math.max(...shown.map((one) => one.getBoundingClientRect().bottom)) - desk.getBoundingClientRect().bottom;
    const edges = (shown.length ? shown : [panel]).map((one) => one.getBoundingClientRect());
    const upper = Math.min(...edges.map(({ top }) => top));
    const lower = Math.max(...edges.map(({ bottom }) => bottom));
    const from = document.querySelector(".top").getBoundingClientRect().bottom + AIR;
    const to = card.getBoundingClientRect().top - AIR;
    const whole = panel.getBoundingClientRect().top;
    let by = upper - from;
    if (lower - whole <= to - from) by = whole - from;
    else if (lower - upper <= to - from) by = lower - to; // and above it as much of its panel as there is room for
    scrollBy({ top: by, behavior: reducedMotion() ? "auto" : "smooth" });
  };

  const show = async () => {
    const { at, title, words, try: what, text } = STOPS[stop];
    if (page.bring && text !== brought) {
      page.bring(text);
      brought = text;
    }
    address.changed();
    find("tour-elsewhere").hidden = !model.other;
    find("tour-elsewhere-link").href = `${model.other?.path}#tour=${stop + 1}`;
    find("tour-elsewhere-link").textContent = `${isGuide ? "See it on" : "Shown best on"} ${model.other?.name}`;
    find("tour-place").textContent = `Stop ${stop + 1} of ${STOPS.length}`;
    find("tour-title").textContent = title;
    find("tour-words").textContent = words;
    find("tour-try").textContent = what;
    find("tour-back").disabled = stop === 0;
    find("tour-on").textContent = stop === STOPS.length - 1 ? "Finish" : "Next";
    document.querySelectorAll(".panel").forEach((panel) => panel.classList.toggle("toured", panel.id === at));
    find(at).before(card);
    for (const id of ["tour-body", "tour-says", "tour-code-box"]) find(id).scrollTop = 0;
    find("tour-title").focus({ preventScroll: true });
    const here = stop;
    leads = true;
    clearTimeout(timer);
    timer = setTimeout(() => (leads = false), LEAD);
    await Promise.race([showCode(), new Promise((enough) => setTimeout(enough, PATIENCE))]);
    if (here !== stop || card.hidden || !leads) return;
    measure();
    bringIntoSight();
  };

  /** The page leaves as much room below as the sheet takes. */
  const measure = () => document.documentElement.style.setProperty("--sheet", `${card.hidden ? 0 : card.offsetHeight}px`);

  const end = () => {
    card.hidden = true;
    leads = false;
    measure();
    document.querySelectorAll(".toured").forEach((panel) => panel.classList.remove("toured"));
    find("tour-button").focus({ preventScroll: true });
    address.changed();
  };

  const open = () => {
    // On a narrow screen the code would leave no room for what it does; whoever opens it keeps it open.
    if (card.hidden) find("tour-code-box").open = matchMedia("(min-width: 52rem)").matches;
    card.hidden = false;
    show();
  };
  find("tour-button").addEventListener("click", () => (isGuide ? open() : location.assign(`${SMALL}#tour=1`)));
  find("tour-end").addEventListener("click", end);
  find("tour-back").addEventListener("click", () => {
    stop--;
    show();
  });
  find("tour-on").addEventListener("click", () => {
    stop = (stop + 1) % STOPS.length;
    if (stop === 0) end();
    else show();
  });
  card.addEventListener("keydown", (event) => {
    if (event.key === "Escape") end();
  });
  for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) {
    addEventListener(kind, () => (leads = false), { capture: true, passive: true });
  }
  const watch = new ResizeObserver(() => {
    if (card.hidden) return;
    measure();
    if (leads) bringIntoSight();
  });
  [card, document.querySelector(".panels")].forEach((one) => watch.observe(one));

  /** Go on where a link says; the text that it brings is not replaced. */
  const restore = () =>
    address.hold(
      "tour",
      () => (card.hidden ? null : `${stop + 1}`),
      (value) => {
        const asked = Number(value) - 1;
        if (!STOPS[asked]) return card.hidden || end();
        stop = asked;
        if (address.said.has("t")) brought = STOPS[stop].text;
        open();
      },
    );
  return { restore };
}
