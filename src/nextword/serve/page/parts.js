// Who said it: what each head and MLP adds to one token's score, and what is said without some of them.

import { announce, find, make, percent, rove, signed, standOn } from "./dom.js";
import { probabilities, rank } from "./sampling.js";
import { quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const ROWS = 8;
const AS_IT_IS = { temperature: 1, topK: null, topP: 1 };

/** A number that has to fit into a small cell: the larger, the fewer digits behind the point. */
const short = (x) => (Math.abs(x) < 0.005 ? "0" : signed(x, Math.abs(x) < 0.995 ? 2 : Math.abs(x) < 9.95 ? 1 : 0));

/** Round to hundredths such that what is shown adds up to the total that is shown: [parts, total], in hundredths. */
export function addingUp(parts, total) {
  const rounded = parts.map((part) => Math.round(100 * part));
  const whole = Math.round(100 * total);
  for (let left = whole - rounded.reduce((a, b) => a + b, 0); left !== 0; left -= Math.sign(left)) {
    // Whoever lost most in being rounded is given it back.
    const lost = parts.map((part, i) => (100 * part - rounded[i]) * Math.sign(left));
    rounded[lost.indexOf(Math.max(...lost))] += Math.sign(left);
  }
  return [rounded, whole];
}

export function partsPanel(page) {
  const { settled, model, trouble, speaker, address } = page;
  const section = find("parts");
  const table = find("parts-table");
  const { n_layer: L, n_head: H } = model.config;
  const off = new Set(); // "layer,head"; the MLP is the head after the last
  let ids = [];
  let token = null;
  let before = null;
  let after = null;
  let order = null;
  let told = null; // the part that the line above the table speaks of

  table.style.setProperty("--columns", H + 1);
  table.classList.add(H <= 5 ? "few" : H <= 12 ? "some" : "many");
  const buttons = [];
  const headRow = make("tr", {}, make("td"), ...Array.from({ length: H }, (_, h) => make("th", { scope: "col" }, `${h}`)), make("th", { scope: "col" }, "MLP"));
  const body = make("tbody");
  for (let layer = 0; layer < L; layer++) {
    const row = make("tr", {}, make("th", { scope: "row" }, make("span", { class: "layer-word" }, "layer "), `${layer}`));
    for (let part = 0; part <= H; part++) {
      const button = make("button", { type: "button", class: "part", tabindex: buttons.length ? "-1" : "0", "aria-pressed": "false" });
      button.addEventListener("click", () => turn(layer, part));
      button.addEventListener("focus", () => tell(layer, part));
      buttons.push({ button, layer, part, added: 0 });
      row.append(make("td", {}, button));
    }
    body.append(row);
  }
  table.append(make("caption", { class: "unseen" }, "What each part adds to the token's score. Pressed parts are switched off."), make("thead", {}, headRow), body);
  rove(table, ".part", () => H + 1);

  const nameOf = (layer, part) => `layer ${layer}, ${part === H ? "MLP" : `head ${part}`}`;

  /** Say in words what a part does; it is the one that was pressed or reached last. */
  const tell = (layer, part) => {
    told = { layer, part };
    const { added } = buttons[layer * (H + 1) + part];
    const isOff = off.has(`${layer},${part}`);
    find("part-said").textContent = token === null ? "" : `${isOff ? "Off: " : ""}${nameOf(layer, part)} ${isOff ? "added" : added < 0 ? "takes away" : "adds"} ${signed(isOff ? added : Math.abs(added), 2).replace(isOff ? "" : "+", "")}`;
    find("to-its-map").disabled = part === H;
  };
  find("to-its-map").addEventListener("click", () => page.showHead(told.layer, told.part));
  page.showPart = (layer, head) => {
    section.scrollIntoView();
    const at = layer * (H + 1) + head;
    standOn(buttons.map(({ button }) => button), at);
    buttons[at].button.focus({ preventScroll: true });
  };

  const drawButtons = () => {
    const strongest = Math.max(...buttons.map(({ added }) => Math.abs(added)), 1e-9);
    for (const { button, layer, part, added } of buttons) {
      const isOff = off.has(`${layer},${part}`);
      button.style.setProperty("--push", Math.sqrt(Math.abs(added) / strongest).toFixed(3));
      button.classList.toggle("down", added < 0);
      button.classList.toggle("mlp", part === H);
      button.textContent = short(added);
      button.title = `${nameOf(layer, part)} adds ${signed(added, 4)}`;
      button.setAttribute("aria-pressed", String(isOff));
      button.setAttribute("aria-label", `${nameOf(layer, part)} adds ${signed(added, 2)}. ${isOff ? "Off" : "On"}`);
    }
    find("all-on").disabled = off.size === 0;
    if (told) tell(told.layer, told.part);
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

  const without = () => {
    const pairs = [...off].map((name) => name.split(",").map(Number));
    return { heads: pairs.filter(([, part]) => part < H), mlps: pairs.filter(([, part]) => part === H).map(([layer]) => layer) };
  };

  /** Let the next word be asked of what is left of the model, if that is wanted. */
  const speak = () => {
    const isUsed = find("use-off").checked && off.size > 0;
    const names = [...off].map((name) => nameOf(...name.split(",").map(Number)));
    find("next-without").hidden = !isUsed;
    find("next-without-words").textContent = isUsed ? `Without ${names.length <= 3 ? names.join("; ") : `${names.length} parts`}.` : "";
    speaker.leaveOut(isUsed ? without() : null);
    address.changed();
  };
  find("use-off").addEventListener("change", speak);
  find("next-all-on").addEventListener("click", () => {
    find("use-off").checked = false;
    speak();
    find("next-title").focus();
  });

  const knock = async (isStale = () => false) => {
    if (off.size === 0) {
      after = null;
      drawChances();
      return;
    }
    const asked = [...off].join(";");
    const found = await api.floats("/api/knockout", { ids, ...without() });
    if (isStale() || asked !== [...off].join(";")) return;
    after = found;
    drawChances();
  };

  const turn = (layer, part) => {
    const name = `${layer},${part}`;
    if (!off.delete(name)) off.add(name);
    standOn(buttons.map(({ button }) => button), layer * (H + 1) + part);
    drawButtons();
    tell(layer, part);
    speak();
    announce(`${nameOf(layer, part)} is ${off.has(name) ? "off" : "on"}`);
    if (before) knock().then(() => trouble(null), trouble);
  };
  find("all-on").addEventListener("click", () => {
    off.clear();
    drawButtons();
    speak();
    if (before) knock().catch(trouble);
    buttons[0].button.focus();
  });

  // In a link: "0.1,2.mlp" for layer 0's head 1 and layer 2's MLP.
  const inLink = (name) => name.replace(",", ".").replace(new RegExp(`\\.${H}$`), ".mlp");
  address.hold("off", () => (off.size ? [...off].map(inLink).join() : null), (value) => {
    off.clear();
    for (const [, layer, part] of (value ?? "").matchAll(/(\d+)\.(\d+|mlp)/g)) {
      if (layer < L && (part === "mlp" || part < H)) off.add(`${Number(layer)},${part === "mlp" ? H : Number(part)}`);
    }
    drawButtons();
    speak();
    if (before) knock().catch(trouble);
  });
  address.hold("without", () => (find("use-off").checked ? "1" : null), (value) => {
    find("use-off").checked = value === "1";
    speak();
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
    find("parts-word").replaceChildren("What made the score of ", make("b", {}, ...visible(textOf(token))));
    const [shares, total] = addingUp([added.embed, heads, mlps, added.rest], logits[token]);
    const [embedding, ofHeads, ofMlps, biases] = shares.map((share) => signed(share / 100, 2));
    find("parts-sum").textContent = `embedding ${embedding}, heads ${ofHeads}, MLPs ${ofMlps}, biases ${biases}: together the score ${(total / 100).toFixed(2).replace("-", "−")}. A bias is a number that was learned and is added whatever the text is.`;
    drawButtons();
    await knock(isStale);
  });
  return { redraw: again };
}
