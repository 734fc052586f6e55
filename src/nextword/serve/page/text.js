// The one text that all panels look at: a way through a tree of tokens.

/** A place in the tree: a token, after those above it. `typed` tells the reader's own words from those taken. */
class Place {
  constructor(id, above, typed) {
    this.id = id;
    this.above = above;
    this.typed = typed;
    this.below = [];
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

  /** Put a token behind the text. Where the text is full, nothing happens. */
  take(id) {
    if (this.isFull) return;
    this.go(this.here.step(id, false));
  }

  /** Put another token in the place of the one at `position`, and forget nothing: it is a branch. */
  replace(position, id) {
    this.go(this.path()[position].above.step(id, false));
  }

  /** Stand at another place of the tree. */
  go(place, tell = true) {
    this.here = place;
    if (tell) this.dispatchEvent(new Event("change"));
  }

  /** Forget all branches but the one to here. */
  prune() {
    for (const place of [this.root, ...this.path()]) {
      place.below = place.below.filter((below) => this.path().includes(below));
    }
    this.here.below = [];
    this.dispatchEvent(new Event("change"));
  }
}
