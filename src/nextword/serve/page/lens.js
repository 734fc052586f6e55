// The logit lens: a row a layer, a column a token, and in each cell what the model would say there.

import { find, make, percent, rove, standOn } from "./dom.js";
import { quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

// Of a long text so many tokens are asked about and shown at a time, since each cell costs the model a whole head.
const COLUMNS = 32;

const nameOf = (layer) => (layer === 0 ? "embedding" : `layer ${layer - 1}`);

export function lensPanel({ settled, model }) {
  const section = find("lens");
  const table = find("lens-table");
  const slider = find("lens-from");
  let cells = null;
  let ids = [];
  let from = 0;
  let followed = -1;

  const { n_layer: L } = model.config;

  // Rows as high as those to come, so that what is below does not move when they do.
  const layers = Array.from({ length: L + 1 }, (_, layer) => nameOf(layer));
  table.append(
    make("thead", {}, make("tr", {}, make("th", { class: "corner", scope: "col" }, "after"))),
    make("tbody", {}, ...layers.map((name) => make("tr", {}, make("th", { scope: "row" }, name), make("td", { role: "gridcell", class: "empty" }, "\u00a0")))),
  );
  find("follow").append(...layers.map((name) => make("li", {}, make("span", { class: "layer-name quiet" }, name), make("span", { class: "said" }, make("b", {}, "\u00a0")))));

  const saysAt = (layer, position) => cells[layer][position - from];

  const drawTable = () => {
    const columns = cells[0].map((_, i) => from + i);
    const head = make("tr", {}, make("th", { scope: "col", class: "corner" }, "after"), ...columns.map((position) => make("th", { scope: "col", "data-position": position }, ...visible(textOf(ids[position])))));
    const rows = cells.map((_, layer) =>
      make("tr", {}, make("th", { scope: "row" }, nameOf(layer)), ...columns.map((position) => {
        const [{ id, p }] = saysAt(layer, position);
        const cell = make("td", { role: "gridcell", tabindex: "-1", "data-position": position, "data-layer": layer, "aria-label": `${nameOf(layer)} after ${spoken(textOf(ids[position]))}: ${spoken(textOf(id))}, ${percent(p)}`, title: percent(p) }, ...visible(textOf(id)));
        cell.style.setProperty("--sure", Math.sqrt(p).toFixed(3));
        if (p > 0.45) cell.classList.add("sure");
        // Underlined where a layer already says what the last one will.
        if (layer < cells.length - 1 && id === saysAt(cells.length - 1, position)[0].id) cell.classList.add("agrees");
        return cell;
      })),
    );
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
    const all = [...table.querySelectorAll("td")];
    const start = all.findIndex((cell) => Number(cell.dataset.position) === followed && Number(cell.dataset.layer) === cells.length - 1);
    standOn(all, start < 0 ? all.length - 1 : start);
    mark();
  };

  const mark = () => {
    table.querySelectorAll("[data-position]").forEach((cell) => cell.classList.toggle("followed", Number(cell.dataset.position) === followed));
    find("follow-title").replaceChildren("What comes after ", quoted(textOf(ids[followed])), ", layer by layer");
    find("follow").replaceChildren(...cells.map((_, layer) => {
      const words = saysAt(layer, followed).map(({ id, p }) => {
        const said = make("span", { class: "said" }, make("b", {}, ...visible(textOf(id))), make("span", { class: "quiet" }, ` ${percent(p)}`));
        said.style.setProperty("--sure", p.toFixed(3));
        return said;
      });
      return make("li", {}, make("span", { class: "layer-name quiet" }, nameOf(layer)), ...words);
    }));
  };

  const choose = (event) => {
    const cell = event.target.closest("[data-position]");
    if (!cell || !cells) return;
    followed = Number(cell.dataset.position);
    mark();
  };
  table.addEventListener("click", (event) => {
    choose(event);
    const cell = event.target.closest("td");
    if (!cell) return;
    const all = [...table.querySelectorAll("td")];
    standOn(all, all.indexOf(cell));
    cell.focus();
  });
  table.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(event);
    }
  });
  rove(table, "td", () => table.querySelectorAll("thead th").length - 1);

  const sayWindow = (length) => {
    const first = Number(slider.value);
    find("lens-from-said").textContent = `${first + 1} to ${Math.min(length, first + COLUMNS)} of ${length}`;
  };
  slider.addEventListener("input", () => {
    sayWindow(settled.ids.length);
    again();
  });

  const again = follow(section, settled, async (now, isStale, signal) => {
    const isNew = now.join() !== ids.join();
    if (isNew) {
      slider.max = Math.max(0, now.length - COLUMNS);
      slider.value = slider.max;
      sayWindow(now.length);
      find("lens-window").hidden = now.length <= COLUMNS;
    }
    const first = Number(slider.value);
    const last = Math.min(now.length, first + COLUMNS);
    const found = await api.post("/api/logit_lens", { ids: now, top: 3, first, last }, signal);
    if (isStale()) return;
    ids = now;
    from = first;
    cells = found.cells;
    if (isNew || followed < first || followed >= last) followed = last - 1;
    drawTable();
    if (isNew) find("lens-scroll").scrollLeft = find("lens-scroll").scrollWidth;
  });
  return { redraw: again };
}
