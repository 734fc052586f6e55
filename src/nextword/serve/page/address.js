// The address: a link to the page as it is holds its text and all that one has set, and leads to the panel one looks at.
// `#t=The%20piano&temperature=0.2&panel=attention`; `#attention` where nothing else is to be told.

import { find } from "./dom.js";

const REST = 400; // milliseconds without a change before the address follows
const LEAD = 3000; // milliseconds in which the page may still grow above a panel that a link leads to
const NEAR = 90; // pixels below the head in which a panel has to begin for it to be the one that is looked at

/** What a fragment says: names and their values, in which a link that was cut off within a character lacks one. */
function parse(fragment) {
  const said = new Map();
  const words = fragment.slice(1);
  if (!words.includes("=")) return words ? said.set("panel", words) : said;
  for (const part of words.split("&")) {
    const [name, value] = part.split(/=(.*)/s);
    try {
      said.set(name, decodeURIComponent(value ?? ""));
    } catch {
      // Half a character: the link was cut off.
    }
  }
  return said;
}

/** A head as a link names it: "3.11" -> [3, 11]; null for one that the model lacks. */
export function headIn(value, { n_layer, n_head }) {
  const [, layer, head] = /^(\d+)\.(\d+)$/.exec(value ?? "") ?? [];
  return layer !== undefined && layer < n_layer && head < n_head ? [Number(layer), Number(head)] : null;
}

export class Address {
  constructor() {
    this.said = parse(location.hash);
    this.holders = new Map();
    this.isReady = false; // what was given has been taken: from then on the address follows
    this.panel = null; // that a link led to, until the reader scrolls
    this.timer = 0;
    this.leads = 0;
    addEventListener("hashchange", () => this.follow());
    addEventListener("scroll", () => this.changed(), { passive: true });
    for (const kind of ["wheel", "touchmove", "pointerdown", "keydown"]) {
      addEventListener(kind, () => (this.leads = 0), { capture: true, passive: true });
    }
    addEventListener("wheel", () => (this.panel = null), { passive: true });
    addEventListener("touchmove", () => (this.panel = null), { passive: true });
    new ResizeObserver(() => performance.now() < this.leads && this.goTo()).observe(document.querySelector(".panels"));
  }

  /** Let the address hold what say() gives, null where it is as at first; take(value or null) sets it. */
  hold(name, say, take) {
    this.holders.set(name, { say, take });
    if (this.said.has(name)) take(this.said.get(name));
  }

  /** All that the address gave is taken: lead to its panel, and follow from now on. */
  ready() {
    this.isReady = true;
    if (!this.said.has("tour")) this.lead(this.said.get("panel"));
  }

  /** Something is otherwise: the address will say so when all has come to rest. */
  changed() {
    clearTimeout(this.timer);
    if (this.isReady) this.timer = setTimeout(() => this.remember(), REST);
  }

  remember() {
    const fragment = this.fragment();
    if (fragment !== location.hash) history.replaceState(null, "", fragment || location.pathname + location.search);
  }

  /** The page as it is, as a fragment; "" where all is as at first. */
  fragment() {
    const parts = [...this.holders].map(([name, { say }]) => [name, say()]).filter(([, value]) => value !== null);
    const panel = parts.some(([name]) => name === "tour") ? null : (this.panel ?? inSight());
    if (panel && parts.length === 0) return `#${panel}`;
    if (panel) parts.push(["panel", panel]);
    return parts.length ? `#${parts.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join("&")}` : "";
  }

  /** Another address in the same window: a link to a panel leaves all else as it is, any other says how all is to be. */
  follow() {
    const isPanel = !location.hash.includes("=");
    this.said = parse(location.hash);
    if (!isPanel) for (const [name, { take }] of this.holders) take(this.said.get(name) ?? null);
    if (!this.said.has("tour")) this.lead(this.said.get("panel"));
    this.changed();
  }

  lead(panel) {
    if (!panel || !find(panel)?.matches(".panel")) return;
    this.panel = panel;
    this.leads = performance.now() + LEAD;
    this.goTo();
  }

  goTo() {
    find(this.panel)?.scrollIntoView({ behavior: "auto" });
  }
}

/** The panel whose beginning stands right below the page's head; null at the page's own beginning. */
function inSight() {
  if (scrollY < NEAR) return null;
  const edge = document.querySelector(".top").getBoundingClientRect().bottom + NEAR;
  const passed = [...document.querySelectorAll(".panels > .panel")].filter((one) => one.getBoundingClientRect().top < edge);
  const isEnd = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
  return (isEnd ? document.querySelector(".panels > .panel:last-child") : passed.at(-1))?.id ?? null;
}
