// What model this is.

import { find, make } from "./dom.js";

const million = (n) => (n >= 1e9 ? `${(n / 1e9).toFixed(2)} billion` : `${(n / 1e6).toFixed(1)} million`);

export function factsPanel({ model }) {
  const { n_params, config } = model;
  const name = model.name.split("/").filter(Boolean).slice(-2).join("/"); // of a long path its end says enough
  find("model-name").textContent = name;
  find("model-facts").textContent = `: ${million(n_params)} parameters, ${config.n_layer} layers of ${config.n_head} heads`;
  find("other-model").hidden = !model.other;
  find("other-model").textContent = `other model: ${model.other?.name.split("/").filter(Boolean).slice(-2).join("/")}`;
  find("other-model").href = model.other?.path ?? "";
  find("model-line").title = find("model-line").textContent;
  document.title = `${name} – nextword`;
  const facts = [
    ["parameters", "", n_params.toLocaleString("en"), "numbers learned in training"],
    ["vocabulary", "n_vocab", config.n_vocab.toLocaleString("en"), "tokens it can read and say"],
    ["window", "n_ctx", config.n_ctx.toLocaleString("en"), "tokens it sees at a time"],
    ["width", "n_embd", config.n_embd.toLocaleString("en"), "numbers that stand for each token on its way"],
    ["layers", "n_layer", config.n_layer, "blocks, one after another"],
    ["heads", "n_head", config.n_head, `in each layer, of ${config.n_embd / config.n_head} numbers`],
  ];
  find("facts").replaceChildren(...facts.map(([what, code, value, means]) =>
    make("div", {}, make("dt", {}, what, " ", ...(code ? [make("code", {}, code)] : [])), make("dd", {}, make("b", {}, `${value}`), make("span", { class: "quiet" }, ` ${means}`))),
  ));
}
