// The text as tokens, each coloured by how surprising it was: the less likely the model held it, the warmer.

import { find, make, percent, rove, standOn } from "./dom.js";
import { quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const FULL = 12; // bits of surprise at which the colour is at its strongest: one in 4096

const bits = (logprob) => -logprob / Math.LN2;

/** A button for each token, to stand in a toolbar; shared with the panel of attention. */
export function tokenButton(id, position) {
  const text = textOf(id);
  const button = make("button", { type: "button", class: "token", tabindex: "-1", "data-position": position, "aria-label": spoken(text) });
  // Real spaces and line ends, so that it reads as a text; a token of nothing else gets a mark to be seen by.
  button.append(text.trim() === "" ? make("span", { class: "mark" }, ...visible(text)) : text.replace(/\ufffd/g, "◌"));
  return button;
}

/** The button, and after a token with a line end a new line, so that paragraphs look like paragraphs. */
export const withBreak = (button, id) => (textOf(id).includes("\n") ? [button, make("br")] : [button]);

/** Show the tokens of the text, what each was worth to the model, and what else could have stood there. */
export function tokensPanel({ text, settled }) {
  const section = find("text");
  const row = find("tokens");
  const card = find("token-card");
  let surprise = null;
  let chosen = null;

  const buttons = () => [...row.querySelectorAll(".token")];

  const drawTokens = () => {
    const ids = text.ids;
    const places = text.path();
    const old = buttons();
    let same = 0;
    while (same < old.length && same < ids.length && Number(old[same].dataset.id) === ids[same]) same++;
    const end = same === 0 ? null : old[same - 1].nextSibling?.nodeName === "BR" ? old[same - 1].nextSibling : old[same - 1];
    while (row.lastChild !== end) row.lastChild.remove();
    for (let position = same; position < ids.length; position++) {
      const button = tokenButton(ids[position], position);
      button.dataset.id = ids[position];
      row.append(...withBreak(button, ids[position]));
    }
    buttons().forEach((button, position) => button.classList.toggle("taken", !places[position].typed));
    standOn(buttons(), Math.min(chosen ?? ids.length - 1, ids.length - 1));
    row.scrollTop = row.scrollHeight;
    find("token-count").textContent = `${ids.length} of ${text.limit} tokens`;
  };

  const colour = () => {
    buttons().forEach((button, position) => {
      const logprob = surprise.logprob[position];
      const known = typeof logprob === "number";
      button.style.setProperty("--heat", known ? Math.min(1, bits(logprob) / FULL) : 0);
      const says = known ? `, chance ${percent(Math.exp(logprob))}` : "";
      button.setAttribute("aria-label", `${spoken(textOf(text.ids[position]))}${says}`);
    });
    const { perplexity } = surprise;
    find("perplexity").textContent = perplexity ? `perplexity ${perplexity < 100 ? perplexity.toFixed(1) : Math.round(perplexity).toLocaleString("en")}` : "";
    find("perplexity").title = "Among how many equally likely tokens the model seemed to be choosing, on average.";
  };

  const showCard = () => {
    const ids = text.ids;
    buttons().forEach((button, position) => button.classList.toggle("chosen", position === chosen));
    const logprob = surprise?.logprob[chosen];
    if (chosen === null || !surprise || chosen >= ids.length) {
      card.replaceChildren(make("p", { class: "quiet" }, "Point at a token, or walk with the arrow keys, to see what else could have stood there."));
      return;
    }
    const head = make("p", {}, make("b", {}, ...visible(textOf(ids[chosen]))));
    if (typeof logprob !== "number") {
      card.replaceChildren(head, make("p", { class: "quiet" }, "The first token: nothing came before it to predict it from."));
      return;
    }
    head.append(` had a chance of ${percent(Math.exp(logprob))}: ${bits(logprob).toFixed(1)} bits of surprise.`);
    const others = make("p", { class: "others" }, make("span", { class: "quiet" }, "Likeliest here: "));
    for (const { id, logprob: value } of surprise.top[chosen] ?? []) {
      const other = make("button", { type: "button", class: "other" }, ...visible(textOf(id)), make("span", { class: "quiet" }, ` ${percent(Math.exp(value))}`));
      other.setAttribute("aria-label", `Put ${quoted(textOf(id))} here instead, chance ${percent(Math.exp(value))}`);
      if (id === ids[chosen]) other.classList.add("same");
      const position = chosen;
      other.addEventListener("click", () => text.replace(position, id));
      others.append(other);
    }
    card.replaceChildren(head, others);
  };

  const choose = (event) => {
    const button = event.target.closest(".token");
    if (!button) return;
    chosen = Number(button.dataset.position);
    standOn(buttons(), chosen);
    showCard();
  };
  row.addEventListener("pointerover", choose);
  row.addEventListener("focusin", choose);
  row.addEventListener("click", choose);
  rove(row, ".token");

  text.addEventListener("change", () => {
    surprise = null;
    chosen = null;
    drawTokens();
    showCard();
  });
  const again = follow(section, settled, async (ids, isStale, signal) => {
    if (ids.length < 2) {
      surprise = { logprob: [null], top: [[]], perplexity: null };
    } else {
      const found = await api.post("/api/surprise", { ids }, signal);
      if (isStale()) return;
      surprise = found;
    }
    colour();
    showCard();
  });
  showCard();
  return { redraw: () => { row.replaceChildren(); drawTokens(); again(); } };
}
