// The few things that every panel does to the page.

/** By id; what index.html promises is there. */
export const find = (id) => document.getElementById(id);

/** A new element: make("li", { class: "on", "aria-label": "..." }, child, "text"). */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== null && value !== undefined) element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

/** Tell those who listen instead of look. A repeated sentence is said again. */
export function announce(words) {
  const place = find("announcer");
  place.textContent = place.textContent === words ? `${words}\u00a0` : words;
}

/** Let arrow keys, Home and End walk through elements of which only one stands in the order of Tab. */
export function rove(container, selector, columns = () => 1) {
  container.addEventListener("keydown", (event) => {
    const all = [...container.querySelectorAll(selector)];
    const here = all.indexOf(event.target.closest(selector));
    if (here < 0) return;
    const wide = columns();
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: wide, ArrowUp: -wide }[event.key];
    const there = { Home: 0, End: all.length - 1 }[event.key] ?? (step === undefined ? null : here + step);
    if (there === null || !all[there]) return;
    event.preventDefault();
    standOn(all, there);
    all[there].focus();
  });
}

/** Make one of the elements the one that Tab reaches. */
export function standOn(all, index) {
  all.forEach((element, i) => element.setAttribute("tabindex", i === index ? "0" : "-1"));
}

export const reducedMotion = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/** 0.1234 -> "12 %"; small chances keep a digit that says something. */
export function percent(p) {
  if (p === 0) return "0 %";
  if (p < 0.001) return "< 0.1 %";
  return p < 0.0995 ? `${(100 * p).toFixed(1)} %` : `${Math.round(100 * p)} %`;
}

/** A number with its sign, the true minus sign included. */
export function signed(x, digits = 1) {
  const size = Math.abs(x).toFixed(digits);
  if (Number(size) === 0) return size;
  return `${x < 0 ? "−" : "+"}${size}`;
}
