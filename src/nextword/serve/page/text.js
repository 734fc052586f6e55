// The one text that all panels look at: a way through a tree of tokens.

import { weights } from "./api.js";

/**
 * A place in the tree: a token, after those above it. `typed` tells the reader's own words from those taken. `known` is
 * what the model held of the token, { logprob, top }, as soon as that has been asked: it depends on those above only,
 * and on the weights, so that it is not known any more when they are others.
 */
class Place {
  constructor(id, above, typed) {
    this.id = id;
    this.above = above;
    this.typed = typed;
    this.told = null;
    this.below = [];
  }

  get known() {
    return this.told?.by === weights() ? this.told : null;
  }

  /** What is known says which weights it is `by`, if it was found out earlier. */
  set known(found) {
    this.told = found && { by: weights(), ...found };
  }

  /** The place below with this token, made where there is none yet. */
  step(id, typed) {
    let place = this.below.find((other) => other.id === id);
    if (!place) {
      place = new Place(id, this, typed);
      this.below.push(place);
    }
    return place;
  }
}

/** Says "change" whenever the text is another one. */
export class Text extends EventTarget {
  constructor() {
    super();
    this.root = new Place(null, null, true);
    this.here = this.root;
    this.limit = Infinity;
    this.reading = Promise.resolve(); // until what was typed is the text
    this.forgotten = []; // what the last prune cut off: [place, those below it]
  }

  /** The places from the first token to the last. */
  path(place = this.here) {
    const places = [];
    for (; place.above; place = place.above) places.push(place);
    return places.reverse();
  }

  get ids() {
    return this.path().map((place) => place.id);
  }

  get isFull() {
    return this.path().length >= this.limit;
  }

  /** Begin with what was typed. An earlier beginning is forgotten, unless something grew from it. */
  begin(ids) {
    const before = this.path();
    let place = this.root;
    for (const id of ids) place = place.step(id, true);
    this.go(place, false);
    const kept = new Set(this.path());
    for (const old of before.reverse()) {
      if (old.typed && old.below.length === 0 && !kept.has(old)) {
        old.above.below.splice(old.above.below.indexOf(old), 1);
      }
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Put a token behind the text, with what the model held of it. Where the text is full, nothing happens. */
  take(id, known = null) {
    if (this.isFull) return;
    const place = this.here.step(id, false);
    place.known ??= known;
    this.go(place);
  }

  /** Leave the last token out, unless it is the only one. It stays in the tree. */
  back() {
    if (this.here.above?.above) this.go(this.here.above);
  }

  /** Put another token in the place of the one at `position`, and forget nothing: it is a branch. */
  replace(position, id, known = null) {
    const place = this.path()[position].above.step(id, false);
    place.known ??= known;
    this.go(place);
  }

  /** Stand at another place of the tree. */
  go(place, tell = true) {
    this.here = place;
    if (tell) this.dispatchEvent(new Event("change"));
  }

  /** Forget all branches but the one to here; restore() brings them back. */
  prune() {
    const kept = new Set(this.path());
    this.forgotten = [];
    for (const place of [this.root, ...kept]) {
      const lost = place.below.filter((below) => !kept.has(below));
      if (lost.length) this.forgotten.push([place, lost]);
      place.below = place.below.filter((below) => kept.has(below));
    }
    this.dispatchEvent(new Event("change"));
  }

  /** Bring back what the last prune forgot, beside what has grown since. */
  restore() {
    for (const [place, lost] of this.forgotten) {
      place.below.push(...lost.filter(({ id }) => !place.below.some((other) => other.id === id)));
    }
    this.forgotten = [];
    this.dispatchEvent(new Event("change"));
  }
}
