// One row of one head, worked with numbers: from the products of query and keys to the shares of attention.

import { find, make, percent } from "./dom.js";
import { textOf, quoted, visible } from "./words.js";

const ROWS = 6;

/** What e is raised to -> that power, in a few digits: 4.48, 0.0123, 1.2 × 10⁻⁷. */
function power(exponent) {
  if (exponent === -Infinity) return ["0"];
  const tens = exponent / Math.LN10;
  if (tens >= -2 && tens < 4) return [Number(Math.exp(exponent).toPrecision(3)).toString()];
  let whole = Math.floor(tens);
  let digits = (10 ** (tens - whole)).toFixed(1);
  if (digits === "10.0") [whole, digits] = [whole + 1, "1.0"];
  return [`${digits} × 10`, make("sup", {}, `${whole}`.replace("-", "−"))];
}

const plainNumber = (x) => x.toFixed(Math.abs(x) < 100 ? 2 : 0).replace("-", "−");

/** ln of the sum of e to each of some numbers, of which none is too large. */
function logSum(numbers) {
  const highest = numbers.reduce((a, b) => Math.max(a, b), -Infinity);
  if (highest === -Infinity) return highest;
  return highest + Math.log(numbers.reduce((sum, x) => sum + Math.exp(x - highest), 0));
}

/** The table is made once, so that nothing jumps; gives back a function that fills it. size: numbers in a key. */
export function workedTable(size) {
  const columns = ["token", "q · k", `÷ √${size}`, "e to that", "share"];
  const line = (kind) => {
    const row = make("tr", kind ? { class: kind } : {}, make("th", { scope: "row" }), ...columns.slice(1).map(() => make("td")));
    body.append(row);
    return [...row.children];
  };
  const body = make("tbody");
  find("worked").append(make("thead", {}, make("tr", {}, ...columns.map((name) => make("th", { scope: "col" }, name)))), body);
  const rows = Array.from({ length: ROWS }, () => line());
  const rest = line("rest-of-it");
  const all = line("sum-of-it");

  /** A row without contents keeps its place and cannot be seen. */
  const fill = (cells, ...contents) => {
    cells[0].parentElement.classList.toggle("unused", contents.length === 0);
    cells.forEach((cell, i) => cell.replaceChildren(...[contents[i] ?? "\u00a0"].flat()));
  };
  for (const cells of [...rows, rest, all]) fill(cells);

  return (ids, position, scores) => {
    const total = logSum(scores);
    const order = [...scores.keys()].sort((a, b) => scores[b] - scores[a] || a - b);
    const ofKey = (key) => [visible(textOf(ids[key])), plainNumber(scores[key] * Math.sqrt(size)), plainNumber(scores[key]), power(scores[key]), percent(Math.exp(scores[key] - total))];
    rows.forEach((cells, place) => (place < order.length ? fill(cells, ...ofKey(order[place])) : fill(cells)));
    const others = order.slice(ROWS).map((key) => scores[key]);
    const left = logSum(others);
    if (others.length) fill(rest, `${others.length} other${others.length > 1 ? "s" : ""}`, "", "", power(left), percent(Math.exp(left - total)));
    else fill(rest);
    fill(all, "sum", "", "", power(total), "100 %");
    find("worked-words").textContent = `The query of ${quoted(textOf(ids[position]))}, ${size} numbers, is multiplied with the key of each token up to itself, number by number, and added up. That is divided by √${size}, e is raised to it, and its part of the sum is the share of attention.`;
  };
}
