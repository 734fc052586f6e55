// What tokens look like. Their spaces and line ends matter, so they are shown; screen readers get them in words.

import { make } from "./dom.js";
import * as api from "./api.js";

let vocabulary = null;
const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Fetch every token once; the browser keeps them. Those that are no whole characters come as lists of bytes. */
export async function loadVocabulary() {
  vocabulary = await api.get("/api/vocabulary");
}

export const isLoaded = () => vocabulary !== null;

const whole = (id) => typeof vocabulary?.[id] === "string";

const bytesOf = (id) => (whole(id) ? encoder.encode(vocabulary[id]) : Uint8Array.from(vocabulary?.[id] ?? []));

function decode(ids) {
  const bytes = ids.map(bytesOf);
  const all = new Uint8Array(bytes.reduce((n, some) => n + some.length, 0));
  let end = 0;
  for (const some of bytes) {
    all.set(some, end);
    end += some.length;
  }
  return decoder.decode(all);
}

/** The text of one token; bytes that are no character by themselves are U+FFFD. */
export const textOf = (id) => (whole(id) ? vocabulary[id] : vocabulary?.[id] ? decode([id]) : "…");

/** The text of tokens one after another: bytes are joined first, so that a character may be cut between tokens. */
export const textOfAll = (ids) => (ids.every(whole) ? ids.map((id) => vocabulary[id]).join("") : vocabulary ? decode(ids) : "…");

/**
 * Of a token that holds only a part of a character: the character, how many of its bytes the token holds, and of how
 * many. The character is null where the text ends within it. Null for a token of whole characters.
 */
export function partOfCharacter(ids, position) {
  if (whole(ids[position]) || !vocabulary?.[ids[position]]) return null;
  const bytes = ids.flatMap((id) => [...bytesOf(id)]);
  const from = ids.slice(0, position).reduce((n, id) => n + bytesOf(id).length, 0);
  const to = from + bytesOf(ids[position]).length;
  for (let at = 0; at < to; ) {
    const lead = bytes[at];
    const size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    const held = Math.min(at + size, to) - Math.max(at, from);
    if (at + size > from && lead >= 0xc0 && held < size) {
      const text = at + size <= bytes.length ? decoder.decode(Uint8Array.from(bytes.slice(at, at + size))) : "\ufffd";
      return { text: text.includes("\ufffd") ? null : text, held, of: size };
    }
    at += size;
  }
  return null;
}

/** A token's text with its marks: a leading space as ␣, a line end as ↵, bytes that are no character yet as ◌. */
export const visible = (text) => marked(text, /(^ | $|[\n\r\t]|\ufffd)/);

/** The text of many tokens on one line: its spaces are spaces, unless there is nothing else to be seen. */
export const onOneLine = (text) => marked(text, text.trim() === "" ? /([ \n\r\t])/ : /([\n\r\t]|\ufffd)/);

function marked(text, what) {
  const parts = [];
  for (const piece of text.split(what)) {
    if (piece === "") continue;
    const mark = { " ": "␣", "\n": "↵", "\r": "␍", "\t": "⇥", "\ufffd": "◌" }[piece];
    parts.push(mark && what.test(piece) ? make("span", { class: "mark" }, mark) : piece);
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
