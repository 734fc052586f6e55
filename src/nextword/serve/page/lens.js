// The logit lens: a row a layer, a column a token, and in each cell what the model would say there.

import { find, make, percent, rove, standOn } from "./dom.js";
import { quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const COLUMNS = 40; // of a long text, as many are shown at a time; a slider moves the window

const nameOf = (layer) => (layer === 0 ? "embedding" : `layer ${layer}`);

export function lensPanel({ settled }) {
  const section = find("lens");
  const table = find("lens-table");
  const slider = find("lens-from");
  let cells = null;
  let ids = [];
  let followed = null;

  const drawTable = () => {
    const from = ids.length > COLUMNS ? Number(slider.value) : 0;
    const to = Math.min(ids.length, from + COLUMNS);
    find("lens-from-said").textContent = `${from + 1} to ${to} of ${ids.length}`;
    const columns = [...ids.keys()].slice(from, to);
    const head = make("tr", {}, make("th", { scope: "col", class: "corner" }, "after"), ...columns.map((position) => make("th", { scope: "col", "data-position": position }, ...visible(textOf(ids[position])))));
    const rows = cells.map((layer, index) =>
      make("tr", {}, make("th", { scope: "row" }, nameOf(index)), ...columns.map((position) => {
        const [{ id, p }] = layer[position];
        const cell = make("td", { role: "gridcell", tabindex: "-1", "data-position": position, "data-layer": index, "aria-label": `${nameOf(index)} after ${spoken(textOf(ids[position]))}: ${spoken(textOf(id))}, ${percent(p)}`, title: `${percent(p)}` }, ...visible(textOf(id)));
        cell.style.setProperty("--sure", Math.sqrt(p).toFixed(3));
        if (p > 0.45) cell.classList.add("sure");
        // A cell says the same as the last layer: from here on the answer stands.
        if (index < cells.length - 1 && id === cells.at(-1)[position][0].id) cell.classList.add("agrees");
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
    find("follow").replaceChildren(...cells.map((layer, index) => {
      const words = layer[followed].map(({ id, p }) => {
        const said = make("span", { class: "said" }, make("b", {}, ...visible(textOf(id))), make("span", { class: "quiet" }, ` ${percent(p)}`));
        said.style.setProperty("--sure", p.toFixed(3));
        return said;
      });
      return make("li", {}, make("span", { class: "layer-name quiet" }, nameOf(index)), ...words);
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
    if (cell) {
      standOn([...table.querySelectorAll("td")], [...table.querySelectorAll("td")].indexOf(cell));
      cell.focus();
    }
  });
  table.addEventListener("keydown", (event) => {
    if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(event);
    }
  });
  rove(table, "td", () => table.querySelectorAll("thead th").length - 1);
  slider.addEventListener("input", () => cells && drawTable());

  const again = follow(section, settled, async (now, isStale) => {
    const found = await api.post("/api/logit_lens", { ids: now, top: 3 });
    if (isStale()) return;
    const grew = now.length !== ids.length;
    ids = now;
    cells = found.cells;
    if (grew || followed === null) followed = ids.length - 1;
    find("lens-window").hidden = ids.length <= COLUMNS;
    slider.max = Math.max(0, ids.length - COLUMNS);
    if (grew) slider.value = slider.max;
    drawTable();
    if (grew) find("lens-scroll").scrollLeft = find("lens-scroll").scrollWidth;
  });
  return { redraw: again };
}
