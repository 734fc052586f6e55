// The page: one text, and panels that look at it.

import { find } from "./dom.js";
import { get } from "./api.js";
import { loadVocabulary } from "./words.js";
import { Settled } from "./settled.js";
import { Speaker } from "./speaker.js";
import { Text } from "./text.js";
import { Address } from "./address.js";
import { attentionPanel } from "./attention.js";
import { branchesPanel } from "./branches.js";
import { factsPanel } from "./facts.js";
import { lensPanel } from "./lens.js";
import { nextPanel } from "./next.js";
import { partsPanel } from "./parts.js";
import { promptPanel } from "./prompt.js";
import { tokensPanel } from "./tokens.js";
import { tour } from "./tour.js";
import { live } from "./live.js";
import { wayPanel } from "./way.js";
import { trainingPanel } from "./training.js";
import { writingPanel } from "./writing.js";

/** Say what went wrong where everybody sees it; null takes it back. */
function trouble(error) {
  find("trouble").hidden = error === null;
  find("trouble").textContent = error?.message ?? "";
}

async function start() {
  const vocabulary = loadVocabulary();
  vocabulary.catch(trouble); // it is waited for only later
  const model = await get("/api/model");
  const text = new Text();
  text.limit = model.config.n_ctx;
  const settled = new Settled(text);
  const page = { model, text, settled, trouble, speaker: new Speaker(), address: new Address() };
  const guide = tour(page);
  factsPanel(page);
  live(page);
  page.next = nextPanel(page);
  writingPanel(page);
  const panels = [tokensPanel(page), branchesPanel(page), wayPanel(page), attentionPanel(page), lensPanel(page), partsPanel(page)];
  panels.push(trainingPanel(page));
  const prompt = await promptPanel(page);
  // Tokens' texts are the largest thing to fetch: what was drawn without them is drawn once more.
  await vocabulary;
  prompt.restore();
  page.next.recompute();
  prompt.redraw();
  panels.forEach((panel) => panel.redraw());
  guide.restore();
  page.address.ready();
}

start().catch(trouble);
