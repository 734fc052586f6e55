// The text as tokens, each coloured by how surprising it was: the less likely the model held it, the warmer.

import { find, make, percent, rove, standOn } from "./dom.js";
import { partOfCharacter, quoted, spoken, textOf, visible } from "./words.js";
import { follow } from "./panel.js";
import * as api from "./api.js";

const FULL = 12; // bits of surprise at which the colour is at its strongest: one in 4096

/** A perplexity in at most nine characters, as the terminal writes it: 2.0, 312, 47,442, 3.2e+12. */
const inDigits = (perplexity) =>
  perplexity < 99.95 ? perplexity.toFixed(1) : perplexity < 999_999.5 ? Math.round(perplexity).toLocaleString("en") : perplexity.toExponential(1);

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

/**
 * Show the tokens of the text, what each was worth to the model, and what else could have stood there. Pointing at a
 * token previews its card; pressing it pins the card, until it is pressed again or Escape is.
 */
export function tokensPanel({ text, settled }) {
  const section = find("text");
  const row = find("tokens");
  const card = find("token-card");
  let chosen = null;
  let pinned = false;

  const buttons = () => [...row.querySelectorAll(".token")];

  const drawTokens = () => {
    const ids = text.ids;
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
    standOn(buttons(), Math.min(chosen ?? ids.length - 1, ids.length - 1));
    row.scrollTop = row.scrollHeight;
    find("token-count").textContent = `${ids.length} of ${text.limit} tokens`;
    colour(same);
  };

  const colour = (from = 0) => {
    const places = text.path();
    buttons().slice(from).forEach((button, i) => {
      const position = from + i;
      const { id, typed, known } = places[position];
      const told = typeof known?.logprob === "number";
      button.classList.toggle("taken", !typed);
      button.classList.toggle("unknown", !known && position > 0);
      button.style.setProperty("--heat", told ? Math.min(1, bits(known.logprob) / FULL) : 0);
      button.setAttribute("aria-label", `${spoken(textOf(id))}${told ? `, chance ${percent(Math.exp(known.logprob))}` : ""}`);
    });
    // Of all tokens but the first, which nothing predicts; as long as one is not known, neither is this.
    const own = places.slice(1).map(({ known }) => known?.logprob);
    const isKnown = own.length > 0 && own.every((logprob) => typeof logprob === "number");
    const perplexity = isKnown && Math.exp(-own.reduce((sum, logprob) => sum + logprob, 0) / own.length);
    find("perplexity").textContent = isKnown ? `perplexity ${inDigits(perplexity)}` : "";
    find("perplexity").title = "Among how many equally likely tokens the model seemed to be choosing, on average.";
  };

  const aboutPart = (position) => {
    const part = partOfCharacter(text.ids, position);
    if (!part) return "";
    const bytes = part.held === 1 ? "one" : `${part.held}`;
    return ` (${bytes} of the ${part.of} bytes of ${part.text ?? "a character that is not whole yet"})`;
  };

  const showCard = () => {
    const places = text.path();
    if (chosen !== null && chosen >= places.length) chosen = null;
    pinned &&= chosen !== null;
    buttons().forEach((button, position) => {
      button.classList.toggle("chosen", position === chosen);
      button.setAttribute("aria-pressed", String(pinned && position === chosen));
    });
    if (chosen === null) {
      card.replaceChildren(make("p", { class: "quiet" }, "Point at a token, touch it, or walk with the arrow keys, to see what else could have stood there; press it to keep it chosen. Chances here are the model’s own, before temperature and top-k."));
      return;
    }
    const { id, known } = places[chosen];
    const head = make("p", {}, make("b", {}, ...visible(textOf(id))), aboutPart(chosen));
    if (chosen === 0) {
      card.replaceChildren(head, make("p", { class: "quiet" }, "The first token: nothing came before it to predict it from."));
      return;
    }
    if (!known) {
      card.replaceChildren(head, make("p", { class: "quiet" }, "How likely it was is not known yet."));
      return;
    }
    head.append(` had a chance of ${percent(Math.exp(known.logprob))}: ${bits(known.logprob).toFixed(1)} bits of surprise.`);
    const instead = make("p", { class: "instead" }, make("span", { class: "quiet" }, "Likeliest here: "));
    const position = chosen;
    for (const { id: likely, logprob } of known.top) {
      const other = make("button", { type: "button", class: "other" }, ...visible(textOf(likely)), make("span", { class: "quiet" }, ` ${percent(Math.exp(logprob))}`));
      other.setAttribute("aria-label", `Put ${quoted(textOf(likely))} here instead, chance ${percent(Math.exp(logprob))}`);
      if (likely === id) other.classList.add("same");
      other.addEventListener("click", () => replace(position, likely));
      instead.append(other);
    }
    card.replaceChildren(head, instead);
  };

  /** Put another token there. It stays chosen, and what is known of it and of its place is known already. */
  const replace = (position, id) => {
    const { top } = text.path()[position].known;
    text.replace(position, id, { logprob: top.find((one) => one.id === id).logprob, top });
    choose(position, true);
    buttons()[position].focus();
  };

  const choose = (position, pin) => {
    chosen = position;
    pinned = pin;
    if (position !== null) standOn(buttons(), position);
    showCard();
  };
  const positionOf = (event) => {
    const button = event.target.closest(".token");
    return button && Number(button.dataset.position);
  };
  const preview = (event) => {
    const position = positionOf(event);
    if (position !== null && !pinned) choose(position, false);
  };
  row.addEventListener("pointerover", preview);
  row.addEventListener("focusin", preview);
  row.addEventListener("click", (event) => {
    const position = positionOf(event);
    if (position !== null) choose(position, !(pinned && position === chosen));
  });
  section.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && pinned) {
      const inCard = card.contains(document.activeElement);
      const at = chosen;
      choose(at, false);
      if (inCard) buttons()[at].focus();
    }
  });
  rove(row, ".token");
  row.addEventListener("keydown", (event) => {
    if (event.key !== "Backspace") return;
    event.preventDefault();
    text.back();
    buttons().at(-1)?.focus();
  });

  text.addEventListener("change", () => {
    chosen = null;
    pinned = false;
    drawTokens();
    showCard();
  });
  const again = follow(section, settled, async (ids, isStale, signal) => {
    const places = text.path();
    if (ids.length > 1 && places.slice(1).some(({ known }) => !known)) {
      const { logprob, top } = await api.post("/api/surprise", { ids }, signal);
      if (isStale()) return;
      places.forEach((place, position) => (place.known = { logprob: logprob[position], top: top[position] }));
    }
    colour();
    showCard();
  });
  showCard();
  return { redraw: () => { row.replaceChildren(); drawTokens(); again(); } };
}
