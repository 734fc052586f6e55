// Attention: all heads small, one head large, and the text shaded by where one token looks.

import { find, make, percent, rove, standOn } from "./dom.js";
import { paint, paintLarge } from "./heat.js";
import { quoted, spoken, textOf } from "./words.js";
import { follow } from "./panel.js";
import { tokenButton, withBreak } from "./tokens.js";
import * as api from "./api.js";

const SMALL = 32; // pixels of a small map: enough to see its pattern, and a few kilobytes for all heads together

export function attentionPanel({ settled, model }) {
  const section = find("attention");
  const grid = find("maps");
  const large = find("large-map");
  const row = find("looking");
  const { n_layer: L, n_head: H } = model.config;
  let head = [0, 0];
  let maps = null;
  let mapSize = SMALL;
  let weights = null;
  let ids = [];
  let query = null;
  let cellAt = () => null;

  grid.style.setProperty("--columns", H);
  const buttons = [];
  for (let layer = 0; layer < L; layer++) {
    for (let h = 0; h < H; h++) {
      const button = make("button", { type: "button", class: "map", tabindex: buttons.length ? "-1" : "0", "aria-pressed": "false", "aria-label": `Layer ${layer}, head ${h}`, title: `Layer ${layer}, head ${h}` }, make("canvas", { width: 1, height: 1 }));
      button.addEventListener("click", () => show(layer, h));
      grid.append(button);
      buttons.push(button);
    }
  }
  rove(grid, ".map", () => H);

  const paintMaps = () => {
    if (!maps) return;
    const cells = mapSize * mapSize;
    buttons.forEach((button, index) => {
      const share = maps.subarray(index * cells, (index + 1) * cells);
      paint(button.firstChild, Float32Array.from(share, (byte) => byte / 255), mapSize);
    });
  };

  const markHead = () => {
    find("head-name").textContent = `Layer ${head[0]}, head ${head[1]}`;
    buttons.forEach((button, index) => button.setAttribute("aria-pressed", String(index === head[0] * H + head[1])));
    standOn(buttons, head[0] * H + head[1]);
  };

  const tokens = () => [...row.querySelectorAll(".token")];

  const looks = (position) => weights.subarray(position * ids.length, (position + 1) * ids.length);

  /** The tokens that a token looks at most: [[position, weight], ...]. */
  const most = (position, n) =>
    [...looks(position)].map((weight, other) => [other, weight]).sort((a, b) => b[1] - a[1]).slice(0, n).filter(([, weight]) => weight >= 0.005);

  const paintHead = () => {
    if (!weights) return;
    cellAt = paintLarge(large, weights, ids.map((id) => textOf(id).trim() || "␣"), query);
    large.setAttribute("aria-label", `Layer ${head[0]}, head ${head[1]}. The last token looks most at ${most(ids.length - 1, 3).map(([other, weight]) => `${spoken(textOf(ids[other]))}, ${percent(weight)}`).join("; ")}.`);
    const shares = looks(query);
    tokens().forEach((button, position) => {
      button.style.setProperty("--look", Math.sqrt(shares[position]).toFixed(3));
      button.classList.toggle("chosen", position === query);
      button.classList.toggle("later", position > query);
    });
    const sentence = most(query, 4).map(([other, weight]) => `${other === query ? "itself" : quoted(textOf(ids[other]))} ${percent(weight)}`);
    find("looks-at").textContent = `${quoted(textOf(ids[query]))} looks at ${sentence.join(", ")}.`;
  };

  const loadHead = async (isStale, signal) => {
    const asked = head;
    const found = await api.floats("/api/attention", { ids, layer: head[0], head: head[1] }, signal);
    if (isStale() || asked !== head) return;
    weights = found;
    query = Math.min(query ?? ids.length - 1, ids.length - 1);
    paintHead();
  };

  const drawTokens = () => {
    row.replaceChildren(...ids.flatMap((id, position) => withBreak(tokenButton(id, position), id)));
    standOn(tokens(), ids.length - 1);
  };

  const again = follow(section, settled, async (now, isStale, signal) => {
    if (now.join() !== ids.join()) {
      ids = now;
      weights = null;
      query = null;
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
    ]);
  });

  const show = (layer, h) => {
    head = [layer, h];
    again();
    markHead();
  };

  const ask = (position) => {
    if (!weights || position === query || position >= ids.length) return;
    query = position;
    standOn(tokens(), position);
    paintHead();
  };
  const fromToken = (event) => {
    const button = event.target.closest(".token");
    if (button) ask(Number(button.dataset.position));
  };
  for (const kind of ["pointerover", "focusin", "click"]) row.addEventListener(kind, fromToken);
  rove(row, ".token");

  large.addEventListener("pointermove", (event) => {
    const cell = cellAt(event.offsetX, event.offsetY);
    if (!cell || !weights) return;
    ask(cell[0]);
    const [from, to] = cell;
    if (to <= from) {
      find("looks-at").textContent = `${quoted(textOf(ids[from]))} looks at ${from === to ? "itself" : quoted(textOf(ids[to]))} with ${percent(weights[from * ids.length + to])} of its attention.`;
    }
  });
  large.addEventListener("pointerleave", paintHead);
  document.addEventListener("theme", () => {
    paintMaps();
    paintHead();
  });
  new ResizeObserver(paintHead).observe(large);
  return { redraw: () => { ids = []; again(); } };
}
