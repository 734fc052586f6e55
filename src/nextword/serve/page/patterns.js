// What heads look at that has a name: what each does most, and which of all heads do most what one looks for.

import { find, make, percent } from "./dom.js";
import { strongest } from "./heat.js";

const PATTERNS = ["the token before", "the first token", "itself", "what followed an earlier copy"]; // as the server measures them
const MOSTLY = 0.5; // of a head's attention, for it to be called after a pattern

/** Where a text has none of what a pattern is about, its share is no number. */
const known = (shares) => shares.map((share) => (Number.isNaN(share) ? -1 : share));

/** For the buttons of all heads, and nameOf(index). Gives back know(shares or null), and inWords(index) of one head. */
export function patternsOfHeads(buttons, nameOf, choose) {
  const wanted = find("pattern");
  let measured = null; // shares of attention: a head after the other, all patterns of each
  let best = null;

  const sharesOf = (index) => measured.subarray(index * PATTERNS.length, (index + 1) * PATTERNS.length);

  /** What a head looks at most; nothing where the text is too short to tell. */
  const inWords = (index) => {
    if (!measured) return "";
    const shares = known(sharesOf(index));
    const most = strongest(shares);
    if (shares[most] < 0) return "";
    return `${shares[most] >= MOSTLY ? "mostly looks at" : "no simple pattern; closest:"} ${PATTERNS[most]}, ${percent(shares[most])}`;
  };

  const markFitting = () => {
    const shares = measured && wanted.value >= 0 ? known(buttons.map((_, index) => sharesOf(index)[wanted.value])) : null;
    best = shares && strongest(shares);
    const isThere = shares !== null && shares[best] >= 0;
    // The more a head does what is looked for, the more it stands out.
    buttons.forEach((button, index) => button.style.setProperty("--fit", isThere && shares[best] > 0 ? (shares[index] / shares[best]).toFixed(3) : 1));
    find("strongest-head").disabled = !isThere;
    if (!shares) {
      find("pattern-said").textContent = "Shares are averages over the tokens of this text.";
    } else if (!isThere) {
      find("pattern-said").textContent = "No token of this text has such a one. Put a word twice into the text, some tokens apart.";
    } else {
      const many = shares.filter((share) => share >= MOSTLY).length;
      find("pattern-said").textContent = `${many} of ${buttons.length} heads give it half of their attention or more. The strongest is ${nameOf(best)}, ${percent(shares[best])}.`;
    }
  };

  wanted.append(make("option", { value: -1 }, "anything"), ...PATTERNS.map((name, i) => make("option", { value: i }, name)));
  wanted.addEventListener("change", markFitting);
  find("strongest-head").addEventListener("click", () => choose(best));

  const know = (shares) => {
    measured = shares;
    buttons.forEach((button, index) => {
      const words = inWords(index);
      const name = nameOf(index);
      for (const attribute of ["title", "aria-label"]) button.setAttribute(attribute, `${name[0].toUpperCase()}${name.slice(1)}${words && `: ${words}`}`);
    });
    markFitting();
  };
  return { know, inWords };
}
