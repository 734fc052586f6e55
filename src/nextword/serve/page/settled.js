// The text when it rests: while the model writes on, the slow panels wait until it pauses.

/** Looks like the text, but says "change" only while nobody holds it. */
export class Settled extends EventTarget {
  constructor(text) {
    super();
    this.text = text;
    this.held = false;
    this.missed = false;
    text.addEventListener("change", () => {
      if (this.held) this.missed = true;
      else this.dispatchEvent(new Event("change"));
    });
  }

  get ids() {
    return this.text.ids;
  }

  hold(held) {
    this.held = held;
    if (held || !this.missed) return;
    this.missed = false;
    this.dispatchEvent(new Event("change"));
  }
}
