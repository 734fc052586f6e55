// The text as it is typed: what stands in the box becomes tokens, and what is taken elsewhere comes to stand in the box.

import { find, make } from "./dom.js";
import { examplesFor, whatItHasRead } from "./examples.js";
import { isLoaded, textOfAll } from "./words.js";
import * as api from "./api.js";

const PAUSE = 250; // milliseconds without a key before the server is asked
const PATIENCE = 1500; // milliseconds before a space at the end is spoken of: one may be about to type on

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

const idsOf = async (words) => (words === "" ? [] : (await api.post("/tokenize", { text: words, allow_special: true })).tokens.map((token) => token.id));

/** Let the text be what stands in the box, now and after each change, and the box show the text. */
export async function promptPanel(page) {
  const { text, settled, model, trouble, address } = page;
  const box = find("prompt");
  const { n_ctx, n_vocab } = model.config;
  let run = null;
  let examples = [];
  let example = null;
  let first = ""; // what the box begins with, and needs no address
  let own = []; // what the reader had typed when something else was put in its place, the last one last
  let put = null; // what was put there, as long as it stands in the box as it was
  let tooLong = 0;
  let timer = 0; // of the pause while one types; 0 when the box and the text agree
  let turn = 0;
  let typing = false;
  let later = 0;
  let linked = ""; // what the address has to say of the text besides its words
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
    const said = notice || example?.why || whatItHasRead(run, model.step) || "Nothing is recorded here of what this model has read.";
    const place = find("remark");
    place.classList.toggle("notice", notice !== "");
    place.classList.toggle("quiet", notice === "");
    if (place.textContent !== said) place.textContent = said;
  };

  const begin = (ids) => {
    clearTimeout(timer);
    timer = 0;
    tooLong = ids.length > n_ctx ? ids.length : 0;
    typing = true;
    text.begin(ids.slice(-n_ctx));
    typing = false;
    remark();
  };

  const read = async () => {
    const mine = ++turn;
    clearTimeout(timer);
    const words = box.value;
    const kept = keptOf(text, words);
    try {
      const rest = await idsOf(words.slice(inBox(kept).length));
      if (mine !== turn) return;
      begin([...kept, ...rest]);
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

  const back = find("own-text");
  const sayOwn = () => (back.hidden = own.length === 0);

  /** Put something else into the box; what the reader typed there is kept, and comes back. */
  const replace = (words, chosen = null) => {
    const isOwn = ![first, put, ...examples.map((one) => one.text)].includes(box.value) && box.value.trim() !== "";
    if (isOwn && box.value !== words) own.push({ words: box.value, ids: timer ? null : text.ids });
    box.value = words;
    box.dispatchEvent(new Event("input")); // as if it were typed: whoever writes on stops
    put = words;
    example = chosen;
    sayOwn();
  };
  const putBack = () => {
    const { words, ids } = own.pop();
    put = box.value; // which is no text of the reader's own
    replace(words);
    put = null;
    if (ids) begin(ids);
    else read();
    if (ids) isRead();
    sayOwn();
  };
  back.addEventListener("click", () => {
    putBack();
    if (back.hidden) box.focus();
  });
  document.addEventListener("keydown", (event) => {
    const undoes = event.key === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey;
    if (!undoes || own.length === 0 || box.value !== put) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    putBack();
  }, true);
  /** What a stop of the tour, or an example, brings along. */
  page.bring = (words, chosen = null) => {
    replace(words, chosen);
    return read();
  };

  const offer = () => {
    examples = examplesFor(run, model.step, n_vocab);
    find("examples").replaceChildren(...examples.map((one) => {
      const button = make("button", { type: "button" }, one.name);
      button.addEventListener("click", () => page.bring(one.text, one));
      return button;
    }), back);
  };
  const learnAboutRun = async () => {
    run = model.run ? await api.get("/api/run").catch(() => run) : null;
    offer();
    example = example && examples.find((one) => one.text === example.text);
    remark();
  };

  box.addEventListener("input", () => {
    example = put = null;
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
  document.addEventListener("weights", learnAboutRun); // it has read more

  // A link to the page as it is holds its text. Of a character whose end is missing the beginning would be another text
  // when it is read again. Tokens that were taken may be others than those into which the text would be cut.
  const words = () => textOfAll(text.ids).replace(/\ufffd+$/, "");
  settled.addEventListener("change", async () => {
    const ids = text.ids;
    const isTaken = text.path().some((place) => !place.typed);
    const cut = isTaken && isLoaded() ? await idsOf(words()).catch(() => ids) : ids;
    linked = cut.join() === ids.join() || ids.length === 0 ? "" : ids.join(".");
    address.changed();
  });
  /** Begin with the tokens that a link names, which are not those that its words would be cut into. */
  const beginWith = (given) => {
    const ids = given.split(".").map(Number);
    if (!ids.every((id) => Number.isInteger(id) && id >= 0 && id < n_vocab)) return;
    replace(inBox(ids));
    begin(ids);
    isRead();
  };

  await learnAboutRun();
  if (examples[0].opens || examples[0].text.endsWith(box.value)) box.value = examples[0].text;
  first = box.value;
  if (address.said.has("t")) box.value = address.said.get("t");
  remark();
  await read();
  const restore = () => {
    address.hold("t", () => (text.ids.length && words() !== first ? words() : null), (value) => (value ?? first) !== box.value && page.bring(value ?? first));
    address.hold("ids", () => linked || null, (value) => value && beginWith(value));
  };
  return { redraw: show, restore };
}
