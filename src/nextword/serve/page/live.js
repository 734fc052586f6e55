// A run that goes on: when the server has taken up newer weights, everything is asked anew.

import { announce, find } from "./dom.js";
import * as api from "./api.js";

const EVERY = 4000; // milliseconds between two looks

/** Follow the served weights. They are known by the number of updates after which they were saved. */
export function live({ model, text }) {
  if (!model.run) return;
  let step = model.step;
  const line = find("model-line").textContent;
  find("model-step").hidden = false;
  const say = () => {
    const when = step === 0 ? "before its first update" : `after update ${step.toLocaleString("en")}`;
    find("model-line").textContent = `${line}, ${when}`;
    find("model-step").textContent = `All of this page shows the model ${when}. While the run goes on, newer weights are taken up when it saves them.`;
  };
  const look = async () => {
    if (document.hidden) return;
    const now = await api.get("/api/model").catch(() => null); // other questions say what is wrong
    if (now === null || now.step === step) return;
    step = now.step;
    say();
    api.forgetAll();
    announce(`The model has learned on, and is shown after step ${step}.`);
    text.dispatchEvent(new Event("change"));
  };
  say();
  setInterval(look, EVERY);
}
