// Weights that change, since a run goes on or the server was started anew: then everything is asked of the new ones.

import { announce, find } from "./dom.js";
import * as api from "./api.js";

const EVERY = 4000; // milliseconds between two looks at a run; of a change each answer tells, too

/** When the weights were saved, in words. */
const whenSaved = (step) => (step === 0 ? "before its first update" : `after update ${step.toLocaleString("en")}`);

/** Follow the served weights. `model.step` is always that of the weights that are shown. */
export function live({ model, text }) {
  const say = () => {
    if (!model.run) return;
    const when = whenSaved(model.step);
    find("model-when").textContent = `, ${when}`;
    find("model-step").hidden = false;
    find("model-step").textContent = `All of this page shows the model ${when}. While the run goes on, newer weights are taken up when it saves them.`;
  };
  let looking = false;
  const look = async () => {
    if (looking || document.hidden) return;
    looking = true;
    try {
      const now = await api.get("/api/model");
      if (now.weights === api.weights()) return;
      const shape = ({ name, config, run }) => JSON.stringify([name, config, run]);
      if (shape(now) !== shape(model)) return location.reload(); // all of the page was made for another model
      model.step = now.step;
      say();
      api.show(now.weights);
      if (model.run) announce(`The model has learned on, and is shown after step ${model.step}.`);
      document.dispatchEvent(new Event("weights"));
      text.dispatchEvent(new Event("change"));
    } catch {
      // Other questions say what is wrong.
    } finally {
      looking = false;
    }
  };
  api.show(model.weights);
  api.whenOther(look);
  say();
  if (model.run) setInterval(look, EVERY);
}
