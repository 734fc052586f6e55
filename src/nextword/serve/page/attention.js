// Attention: all heads small, one head large, and the text shaded by where one token looks.

import { find, make, percent, rove, standOn } from "./dom.js";
import { paint, paintLarge, strongest } from "./heat.js";
import { quoted, spoken, textOf } from "./words.js";
import { follow } from "./panel.js";
import { patternsOfHeads } from "./patterns.js";
import { tokenButton, withBreak } from "./tokens.js";
import { workedTable } from "./worked.js";
import { headIn } from "./address.js";
import * as api from "./api.js";

const SMALL = 32; // pixels of a small map: enough to see its pattern, and a few kilobytes for all heads together

const PAUSE = 150; // milliseconds that a token is looked at before it is worked with numbers

export function attentionPanel(page) {
  const { settled, model, address } = page;
  const section = find("attention");
  const grid = find("maps");
  const large = find("large-map");
  const row = find("looking");
  const { n_layer: L, n_head: H, n_embd: C } = model.config;
  const fillWorked = workedTable(C / H);
  let head = [0, 0];
  let maps = null;
  let mapSize = SMALL;
  let weights = null;
  let ids = [];
  let query = null;
  let pointed = null; // the column of the map's cell under the pointer
  let cellAt = () => null;
  let pause = 0;

  grid.style.setProperty("--columns", H);
  section.querySelector(".attention-body").classList.toggle("many", H > 12); // they need all of the width
  const label = (n) => make("span", { class: "map-label", "aria-hidden": "true" }, n);
  grid.append(label(""), ...Array.from({ length: H }, (_, h) => label(h)));
  const buttons = [];
  for (let layer = 0; layer < L; layer++) {
    grid.append(label(layer));
    for (let h = 0; h < H; h++) {
      const button = make("button", { type: "button", class: "map", tabindex: buttons.length ? "-1" : "0", "aria-pressed": "false" }, make("canvas", { width: 1, height: 1 }));
      button.addEventListener("click", () => show(layer, h));
      grid.append(button);
      buttons.push(button);
    }
  }
  rove(grid, ".map", () => H);
  const place = ([layer, h]) => layer * H + h;
  const nameOf = (index) => `layer ${Math.floor(index / H)}, head ${index % H}`;

  const paintMaps = () => {
    if (!maps) return;
    const cells = mapSize * mapSize;
    buttons.forEach((button, index) => {
      const share = maps.subarray(index * cells, (index + 1) * cells);
      paint(button.firstChild, Float32Array.from(share, (byte) => byte / 255), mapSize);
    });
  };

  const patterns = patternsOfHeads(buttons, nameOf, (index) => show(Math.floor(index / H), index % H));
  patterns.know(null);
  const sayPattern = () => (find("head-pattern").textContent = patterns.inWords(place(head)) || "\u00a0");

  const markHead = () => {
    find("head-name").textContent = `Layer ${head[0]}, head ${head[1]}`;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === place(head))));
    standOn(buttons, place(head));
    sayPattern();
  };

  const tokens = () => [...row.querySelectorAll(".token")];

  const looks = (position) => weights.subarray(position * ids.length, (position + 1) * ids.length);

  /** The tokens that a token looks at most: [[position, weight], ...]. */
  const most = (position, n) =>
    [...looks(position).subarray(0, position + 1)].map((weight, other) => [other, weight]).sort((a, b) => b[1] - a[1]).slice(0, n);

  const sentence = () => {
    const name = quoted(textOf(ids[query]));
    if (pointed !== null && pointed > query) return `${name} cannot see ${quoted(textOf(ids[pointed]))}: it comes later.`;
    if (pointed !== null) return `${name} looks at ${pointed === query ? "itself" : quoted(textOf(ids[pointed]))} with ${percent(looks(query)[pointed])} of its attention.`;
    const best = most(query, 4);
    const words = best.map(([other, weight]) => `${other === query ? "itself" : quoted(textOf(ids[other]))} ${percent(weight)}`).join(", ");
    const isEven = query > 3 && best[0][1] * (query + 1) < 2; // none gets twice of what it would get by chance
    return isEven ? `${name} spreads evenly over ${query + 1} tokens, a little more on ${words}.` : `${name} looks at ${words}.`;
  };

  const paintHead = () => {
    if (!weights) return;
    cellAt = paintLarge(large, weights, ids.map((id) => textOf(id).replaceAll("\n", "↵").trim() || "␣"), query, pointed);
    large.setAttribute("aria-label", `Layer ${head[0]}, head ${head[1]}. The last token looks most at ${most(ids.length - 1, 3).map(([other, weight]) => `${spoken(textOf(ids[other]))}, ${percent(weight)}`).join("; ")}.`);
    const shares = looks(query);
    const highest = shares[strongest(shares)];
    tokens().forEach((button, position) => {
      button.style.setProperty("--look", Math.sqrt(shares[position] / highest).toFixed(3));
      button.classList.toggle("chosen", position === query);
      button.classList.toggle("later", position > query);
    });
    find("looks-at").textContent = sentence();
  };

  /** Work the chosen token's row with numbers, once it has been looked at for a moment. */
  const work = () => {
    clearTimeout(pause);
    pause = setTimeout(async () => {
      const asked = { ids, layer: head[0], head: head[1], position: query };
      const isStale = () => asked.ids !== ids || asked.layer !== head[0] || asked.head !== head[1] || asked.position !== query;
      try {
        const scores = await api.floats("/api/attention_scores", asked);
        if (!isStale()) fillWorked(ids, query, scores);
      } catch (error) {
        if (!isStale()) find("worked-words").textContent = error.message;
      }
    }, PAUSE);
  };

  const loadHead = async (isStale, signal) => {
    const asked = head;
    const found = await api.floats("/api/attention", { ids, layer: head[0], head: head[1] }, signal);
    if (isStale() || asked !== head) return;
    weights = found;
    query = Math.min(query ?? ids.length - 1, ids.length - 1);
    paintHead();
    work();
  };

  const drawTokens = () => {
    row.replaceChildren(...ids.flatMap((id, position) => withBreak(tokenButton(id, position), id)));
    standOn(tokens(), ids.length - 1);
    row.scrollTop = row.scrollHeight;
  };

  /** A long text has a bar of its own: the chosen token is kept within it, and the page stays where it is. */
  const keepInSight = (button) => {
    const above = button.getBoundingClientRect().top - row.getBoundingClientRect().top;
    if (above < 0 || above + button.offsetHeight > row.clientHeight) row.scrollTop += above - row.clientHeight / 2;
  };

  const again = follow(section, settled, async (now, isStale, signal) => {
    if (now.join() !== ids.join()) {
      ids = now;
      weights = null;
      patterns.know(null);
      query = null;
      pointed = null;
      drawTokens();
    }
    markHead();
    await Promise.all([
      loadHead(isStale, signal),
      api.bytes("/api/attention_maps", { ids, size: SMALL }, signal).then((found) => {
        if (isStale()) return;
        maps = found;
        mapSize = Math.round(Math.sqrt(found.length / (L * H)));
        paintMaps();
      }),
      api.floats("/api/attention_patterns", { ids }, signal).then((found) => {
        if (isStale()) return;
        patterns.know(found);
        sayPattern();
      }),
    ]);
  });

  const show = (layer, h) => {
    head = [layer, h];
    again();
    markHead();
    address.changed();
  };
  address.hold("head", () => (place(head) === 0 ? null : head.join(".")), (value) => show(...(headIn(value, model.config) ?? [0, 0])));
  find("to-its-part").addEventListener("click", () => page.showPart(...head));
  page.showHead = (layer, h) => {
    show(layer, h);
    section.scrollIntoView();
    buttons[place(head)].focus({ preventScroll: true });
  };

  const ask = (position, column = null) => {
    if (!weights || position >= ids.length || (position === query && column === pointed)) return;
    if (position !== query) {
      query = position;
      standOn(tokens(), position);
      work();
    }
    pointed = column;
    paintHead();
    keepInSight(tokens()[query]);
  };
  const fromToken = (event) => {
    const button = event.target.closest(".token");
    if (button) ask(Number(button.dataset.position));
  };
  for (const kind of ["pointerover", "focusin", "click"]) row.addEventListener(kind, fromToken);
  rove(row, ".token");

  for (const kind of ["pointermove", "pointerdown"]) {
    large.addEventListener(kind, (event) => {
      const cell = cellAt(event.offsetX, event.offsetY);
      if (cell) ask(...cell);
    });
  }
  large.addEventListener("pointerleave", () => query !== null && ask(query));
  document.addEventListener("theme", () => {
    paintMaps();
    paintHead();
  });
  new ResizeObserver(paintHead).observe(large);
  return { redraw: () => { ids = []; again(); } };
}
