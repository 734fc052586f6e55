// Who said it: what each head and MLP adds to one token's score, and what is said without some of them.

import { announce, find, make, percent, rove, signed, standOn } from "./dom.js";
import { probabilities, rank } from "./sampling.js";
import { quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const ROWS = 8;
const AS_IT_IS = { temperature: 1, topK: null, topP: 1 };

export function partsPanel({ settled, model, trouble }) {
  const section = find("parts");
  const table = find("parts-table");
  const { n_layer: L, n_head: H } = model.config;
  const off = new Set(); // "layer,head"; the MLP is the head after the last
  let ids = [];
  let token = null;
  let before = null;
  let after = null;
  let order = null;

  const buttons = [];
  const headRow = make("tr", {}, make("td"), ...Array.from({ length: H }, (_, h) => make("th", { scope: "col" }, `${h}`)), make("th", { scope: "col" }, "MLP"));
  const body = make("tbody");
  for (let layer = 0; layer < L; layer++) {
    const row = make("tr", {}, make("th", { scope: "row" }, `layer ${layer}`));
    for (let part = 0; part <= H; part++) {
      const button = make("button", { type: "button", class: "part", tabindex: buttons.length ? "-1" : "0", "aria-pressed": "false" });
      button.addEventListener("click", () => turn(layer, part));
      buttons.push({ button, layer, part, added: 0 });
      row.append(make("td", {}, button));
    }
    body.append(row);
  }
  table.append(make("caption", { class: "unseen" }, "What each part adds to the token's score. Pressed parts are switched off."), make("thead", {}, headRow), body);
  rove(table, ".part", () => H + 1);

  const nameOf = (layer, part) => `layer ${layer}, ${part === H ? "MLP" : `head ${part}`}`;

  const drawButtons = () => {
    const strongest = Math.max(...buttons.map(({ added }) => Math.abs(added)), 1e-9);
    for (const { button, layer, part, added } of buttons) {
      const isOff = off.has(`${layer},${part}`);
      button.style.setProperty("--push", Math.sqrt(Math.abs(added) / strongest).toFixed(3));
      button.classList.toggle("down", added < 0);
      button.classList.toggle("mlp", part === H);
      button.textContent = signed(added);
      button.setAttribute("aria-pressed", String(isOff));
      button.setAttribute("aria-label", `${nameOf(layer, part)} adds ${signed(added, 2)}. ${isOff ? "Off" : "On"}`);
    }
    find("all-on").disabled = off.size === 0;
  };

  const drawChances = () => {
    const shown = [...order.slice(0, ROWS)];
    const best = after ? rank(after)[0] : null;
    if (best !== null && !shown.includes(best)) shown[ROWS - 1] = best; // what wins now is shown, wherever it came from
    const was = probabilities(before, AS_IT_IS, order);
    const is = after ? probabilities(after, AS_IT_IS) : was;
    const longest = Math.max(...shown.map((id) => Math.max(was[id], is[id])));
    find("before-after").replaceChildren(...shown.map((id) => {
      const bar = make("span", { class: "two-bars" }, make("i", { class: "bar-was" }), make("i", { class: "bar-is" }));
      bar.style.setProperty("--was", was[id] / longest);
      bar.style.setProperty("--is", is[id] / longest);
      const change = after ? `${percent(was[id])} → ${percent(is[id])}` : percent(was[id]);
      const button = make("button", { type: "button", class: "outcome", "aria-pressed": String(id === token), "aria-label": `${spoken(textOf(id))}: ${after ? `${percent(was[id])} before, ${percent(is[id])} after` : percent(was[id])}` }, make("span", { class: "word" }, ...visible(textOf(id))), bar, make("span", { class: "chance" }, change));
      button.addEventListener("click", () => {
        token = id;
        again();
        drawChances();
        find("before-after").querySelector("[aria-pressed=true]")?.focus();
      });
      return make("li", {}, button);
    }));
    if (!after) {
      find("knocked").textContent = "Nothing is switched off.";
      return;
    }
    const now = quoted(textOf(best));
    const same = best === order[0];
    find("knocked").textContent = `Without ${off.size === 1 ? "that part" : `those ${off.size} parts`} the likeliest is ${same ? "still " : ""}${now}.`;
  };

  const knock = async (isStale = () => false) => {
    if (off.size === 0) {
      after = null;
      drawChances();
      return;
    }
    const asked = [...off].join(";");
    const pairs = [...off].map((name) => name.split(",").map(Number));
    const found = await api.floats("/api/knockout", { ids, heads: pairs.filter(([, part]) => part < H), mlps: pairs.filter(([, part]) => part === H).map(([layer]) => layer) });
    if (isStale() || asked !== [...off].join(";")) return;
    after = found;
    drawChances();
  };

  const turn = (layer, part) => {
    const name = `${layer},${part}`;
    if (!off.delete(name)) off.add(name);
    standOn(buttons.map(({ button }) => button), layer * (H + 1) + part);
    drawButtons();
    announce(`${nameOf(layer, part)} is ${off.has(name) ? "off" : "on"}`);
    if (before) knock().then(() => trouble(null), trouble);
  };
  find("all-on").addEventListener("click", () => {
    off.clear();
    drawButtons();
    if (before) knock().catch(trouble);
    buttons[0].button.focus();
  });

  const again = follow(section, settled, async (now, isStale, signal) => {
    const isNew = now.join() !== ids.join();
    const logits = await api.floats("/api/next", { ids: now }, signal);
    if (isStale()) return;
    ids = now;
    before = logits;
    order = rank(logits);
    if (isNew || token === null) token = order[0];
    const added = await api.post("/api/contributions", { ids, token }, signal);
    if (isStale()) return;
    for (const one of buttons) one.added = one.part === H ? added.mlps[one.layer] : added.heads[one.layer][one.part];
    const heads = added.heads.flat().reduce((a, b) => a + b, 0);
    const mlps = added.mlps.reduce((a, b) => a + b, 0);
    find("parts-word").replaceChildren("What pushed ", make("b", {}, ...visible(textOf(token))), " to its score:");
    find("parts-sum").textContent = `embedding ${signed(added.embed)}, heads ${signed(heads)}, MLPs ${signed(mlps)}, biases ${signed(added.rest)}: together the score ${logits[token].toFixed(1).replace("-", "−")}.`;
    drawButtons();
    await knock(isStale);
  });
  return { redraw: again };
}
