// Who is asked for the next word: the whole model, or what is left of it without the parts that are switched off.

import * as api from "./api.js";

/** Says "change" when another model is to be asked. */
export class Speaker extends EventTarget {
  constructor() {
    super();
    this.without = null; // {heads: [[layer, head], ...], mlps: [layer, ...]}, or null for the whole model
  }

  /** The scores of every token as the next one. */
  logits(ids, signal) {
    return this.without ? api.floats("/api/knockout", { ids, ...this.without }, signal) : api.floats("/api/next", { ids }, signal);
  }

  leaveOut(without) {
    if (JSON.stringify(without) === JSON.stringify(this.without)) return;
    this.without = without;
    this.dispatchEvent(new Event("change"));
  }
}
