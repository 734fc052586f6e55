// The beginning of the text: what is typed becomes tokens.

import { find, make } from "./dom.js";
import * as api from "./api.js";

const PAUSE = 250; // milliseconds without a key before the server is asked

/** Let the text begin with what stands in the box, now and after each change. */
export function promptPanel({ text, model, trouble }) {
  const box = find("prompt");
  const note = make("p", { class: "notice", hidden: "" });
  box.after(note);
  let timer = 0;
  let turn = 0;

  const read = async () => {
    const mine = ++turn;
    try {
      const { tokens } = await api.post("/tokenize", { text: box.value });
      if (mine !== turn) return;
      const ids = tokens.map((token) => token.id);
      const { n_ctx } = model.config;
      note.hidden = ids.length <= n_ctx && ids.length > 0;
      if (ids.length === 0) note.textContent = "Write something: the model needs at least one token to go on from.";
      if (ids.length > n_ctx) note.textContent = `That is ${ids.length} tokens. The model sees ${n_ctx} at most: these are the last of them.`;
      text.begin(ids.slice(-n_ctx));
    } catch (error) {
      trouble(error);
    }
  };
  const fit = () => {
    // The box grows with what is in it, up to what CSS allows.
    box.style.height = "auto";
    box.style.height = `${box.scrollHeight + 2}px`;
  };
  box.addEventListener("input", () => {
    fit();
    clearTimeout(timer);
    timer = setTimeout(read, PAUSE);
  });
  fit();
  return read();
}
