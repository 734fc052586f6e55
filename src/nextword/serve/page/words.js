// What tokens look like. Their spaces and line ends matter, so they are shown; screen readers get them in words.

import { make } from "./dom.js";
import * as api from "./api.js";

let vocabulary = null;

/** Fetch the text of every token once; the browser keeps it. */
export async function loadVocabulary() {
  vocabulary = await api.get("/api/vocabulary");
}

export const textOf = (id) => vocabulary?.[id] ?? "…";

/** A token's text with its marks: a leading space as ␣, a line end as ↵, bytes that are no character yet as ◌. */
export function visible(text) {
  const parts = [];
  for (const piece of text.split(/(^ | $|[\n\r\t]|\ufffd)/)) {
    if (piece === "") continue;
    const mark = { " ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\ufffd": "◌" }[piece];
    parts.push(mark ? make("span", { class: "mark" }, mark) : piece);
  }
  return parts.length ? parts : ["∅"];
}

/** A token in words, for labels. */
export function spoken(text) {
  const names = { " ": "space", "": "nothing", "\n": "line break", "\n\n": "two line breaks", "\ufffd": "part of a character" };
  const punctuation = { ".": "full stop", ",": "comma", '"': "quotation mark", "'": "apostrophe", "-": "hyphen", "--": "dashes", "?": "question mark", "!": "exclamation mark", ";": "semicolon", ":": "colon" };
  return names[text] ?? punctuation[text.trim()] ?? (text.trim() || "blank");
}

/** A token in quotation marks, for sentences. */
export const quoted = (text) => `“${text.replaceAll("\n", "↵").trim() || spoken(text)}”`;
