// The text as it is typed: what stands in the box becomes tokens, and what is taken elsewhere comes to stand in the box.

import { find, make } from "./dom.js";
import { examplesFor, whatItHasRead } from "./examples.js";
import { isLoaded, textOfAll } from "./words.js";
import * as api from "./api.js";

const PAUSE = 250; // milliseconds without a key before the server is asked
const PATIENCE = 1500; // milliseconds before a space at the end is spoken of: one may be about to type on
const REST = 400; // milliseconds without a change before the address follows
const FRAGMENT = "#t="; // of the address: the text comes after it

/** The text of tokens as a box holds it, in which every line end is one character. */
const inBox = (ids) => textOfAll(ids).replace(/\r\n?/g, "\n");

/**
 * The ids that are kept as they are when the box says `words`: the longest beginning that ends with a token which was
 * taken. What the model wrote is not cut into tokens anew, so that its branch goes on.
 */
function keptOf(text, words) {
  const path = text.path();
  const ids = text.ids;
  for (let length = path.length; length > 0; length--) {
    if (path[length - 1].typed) continue;
    const kept = ids.slice(0, length);
    if (words.startsWith(inBox(kept))) return kept;
  }
  return [];
}

/** What the address says the text is, or null. */
function inAddress() {
  if (!location.hash.startsWith(FRAGMENT)) return null;
  try {
    return decodeURIComponent(location.hash.slice(FRAGMENT.length));
  } catch {
    return null; // a link that was cut off, within a character
  }
}

/** Let the text be what stands in the box, now and after each change, and the box show the text. */
export async function promptPanel({ text, settled, model, trouble }) {
  const box = find("prompt");
  const run = model.run ? await api.get("/api/run").catch(() => null) : null;
  const examples = examplesFor(run?.data);
  const { n_ctx } = model.config;
  let example = null;
  let tooLong = 0;
  let timer = 0; // of the pause while one types; 0 when the box and the text agree
  let turn = 0;
  let typing = false;
  let later = 0;
  let isRead = () => {};

  const remark = (patient = false) => {
    clearTimeout(later);
    const spaced = / $/.test(box.value) && text.here.typed;
    if (spaced && !patient) later = setTimeout(() => remark(true), PATIENCE);
    const notice =
      text.ids.length === 0 ? "Write something: the model needs at least one token to go on from."
      : tooLong ? `That is ${tooLong} tokens. The model sees ${n_ctx} at most: these are the last of them.`
      : text.isFull ? `The model sees ${n_ctx} tokens at most, and the text has as many. Go back, or shorten it, to write on.`
      : spaced && patient ? "Your text ends with a space. Most tokens bring their own space, so that few fit after one."
      : "";
    const said = notice || example?.why || whatItHasRead(run) || "Nothing is recorded here of what this model has read.";
    const place = find("remark");
    place.classList.toggle("notice", notice !== "");
    place.classList.toggle("quiet", notice === "");
    if (place.textContent !== said) place.textContent = said;
  };

  const read = async () => {
    const mine = ++turn;
    clearTimeout(timer);
    const words = box.value;
    const kept = keptOf(text, words);
    const rest = words.slice(inBox(kept).length);
    try {
      const { tokens } = rest === "" ? { tokens: [] } : await api.post("/tokenize", { text: rest, allow_special: true });
      if (mine !== turn) return;
      timer = 0;
      const ids = [...kept, ...tokens.map((token) => token.id)];
      tooLong = ids.length > n_ctx ? ids.length : 0;
      typing = true;
      text.begin(ids.slice(-n_ctx));
      typing = false;
      remark();
    } catch (error) {
      trouble(error);
    }
    if (mine === turn) isRead();
  };

  // While one types the box leads, and nothing is put under the caret.
  const show = () => {
    if (typing || timer || !isLoaded()) return;
    const words = inBox(text.ids);
    if (box.value === words) return;
    const { selectionStart, selectionEnd, value } = box;
    box.value = words;
    if (selectionStart < value.length) box.setSelectionRange(selectionStart, selectionEnd);
    box.scrollTop = box.scrollHeight;
  };

  const put = (chosen) => {
    example = chosen;
    box.value = chosen.text;
    box.dispatchEvent(new Event("input")); // as if it were typed: whoever writes on stops
    example = chosen;
    read();
  };
  find("examples").replaceChildren(...examples.map((one) => {
    const button = make("button", { type: "button" }, one.name);
    button.addEventListener("click", () => put(one));
    return button;
  }));

  box.addEventListener("input", () => {
    example = null;
    turn++;
    if (!timer) text.reading = new Promise((resolve) => (isRead = resolve));
    clearTimeout(timer);
    timer = setTimeout(read, PAUSE);
  });
  box.addEventListener("change", () => timer && read()); // the box was left
  text.addEventListener("change", () => {
    if (typing) return;
    tooLong = 0;
    show();
    remark();
  });

  // A link to the page as it is holds its text, too. The links to the parts of the page put theirs in its place: not for
  // long, or the text would be lost when the page is loaded again.
  const remember = () => {
    if (!isLoaded() || text.ids.length === 0) return;
    // Of a character whose end is missing the beginning would be another text when it is read again.
    const words = textOfAll(text.ids).replace(/\ufffd+$/, "");
    if (words !== (inAddress() ?? first)) history.replaceState(null, "", FRAGMENT + encodeURIComponent(words));
  };
  let toAddress = 0;
  settled.addEventListener("change", () => {
    clearTimeout(toAddress);
    toAddress = setTimeout(remember, REST);
  });
  addEventListener("hashchange", () => {
    const given = inAddress();
    if (given === null) remember();
    else if (given !== textOfAll(text.ids)) put({ text: given });
  });

  if (examples[0].text.endsWith(box.value)) box.value = examples[0].text;
  const first = box.value; // needs no address: it is what the page begins with
  const given = inAddress();
  if (given !== null) box.value = given;
  remark();
  await read();
  return { redraw: show };
}
