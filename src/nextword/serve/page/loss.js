// The loss curve, as SVG, which takes its colours from the style sheet.

const LEFT = 34;
const RIGHT = 8;
const BELOW = 24;

function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** The least of 1, 2, 5, 10, 20, 50, ... that is not below x. */
function roundStep(x) {
  const power = 10 ** Math.max(0, Math.floor(Math.log10(x)));
  return power * ([1, 2, 5].find((times) => times * power >= x) ?? 10);
}

/**
 * Gives back draw(steps, step, band), with band as [step, lowest, highest]; a click on the chart calls moved(step).
 * guess: the loss of one who knows nothing. The
 * style sheet gives the slider below the chart the same room to move in (--chart-left and --chart-right).
 */
export function lossChart(box, guess, moved) {
  const picture = svg("svg", { role: "img" });
  box.append(picture);
  document.documentElement.style.setProperty("--chart-left", `${LEFT}px`);
  document.documentElement.style.setProperty("--chart-right", `${RIGHT}px`);
  let newest = 1;
  let drawn = null;

  picture.addEventListener("click", (event) => {
    const { left, width } = picture.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / (width - LEFT - RIGHT);
    moved(Math.round(Math.min(Math.max(share, 0), 1) * newest));
  });

  const draw = (steps, step, band = []) => {
    drawn = [steps, step, band];
    // Drawn in the page's own pixels, so that its letters are as large on a phone.
    const WIDTH = box.clientWidth || 640;
    const HEIGHT = box.clientHeight || 240;
    picture.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
    const train = steps.filter((one) => one.train_loss !== null).map((one) => [one.step, one.train_loss]);
    const val = steps.filter((one) => one.val_loss !== null).map((one) => [one.step, one.val_loss]);
    const highest = Math.max(1, Math.ceil(Math.max(...train.map(([, y]) => y), ...val.map(([, y]) => y))));
    newest = Math.max(1, steps.at(-1)?.step ?? 1);
    const x = (at) => LEFT + (at / newest) * (WIDTH - LEFT - RIGHT);
    const y = (loss) => 8 + (1 - loss / highest) * (HEIGHT - 8 - BELOW);
    const line = (points) => points.map(([at, loss], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(loss).toFixed(1)}`).join("");

    const parts = [];
    const tick = roundStep(highest / 6);
    for (let loss = 0; loss <= highest; loss += tick) {
      parts.push(svg("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y(loss), y2: y(loss) }), svg("text", { x: LEFT - 8, y: y(loss) + 4, "text-anchor": "end" }, loss.toLocaleString("en", { notation: "compact" })));
    }
    for (const share of [0, 0.5, 1]) {
      parts.push(svg("text", { x: x(share * newest), y: HEIGHT - 4, "text-anchor": ["start", "middle", "end"][2 * share] }, share === 0 ? "step 0" : `${Math.round(share * newest)}`));
    }
    if (band.length > 1) {
      const edge = (which) => band.map((one) => [one[0], Math.min(one[which], highest)]);
      parts.push(svg("path", { class: "band", d: `${line(edge(2))}${line(edge(1).reverse()).replace("M", "L")}Z` }));
    }
    if (guess <= highest) {
      parts.push(svg("line", { class: "guess", x1: LEFT, x2: WIDTH - RIGHT, y1: y(guess), y2: y(guess) }), svg("text", { x: WIDTH - RIGHT - 6, y: y(guess) + 16, "text-anchor": "end" }, `a pure guess: ${guess.toFixed(2)}`));
    }
    parts.push(svg("path", { class: "train", d: line(train) }), svg("path", { class: "val", d: line(val) }), ...val.map(([at, loss]) => svg("circle", { class: "val-dot", cx: x(at), cy: y(loss), r: 3 })), svg("line", { class: "now", x1: x(step), x2: x(step), y1: 8, y2: HEIGHT - BELOW }));
    picture.replaceChildren(...parts);
    const story = (name, points) => (points.length > 1 ? `${name} loss went from ${points[0][1].toFixed(2)} to ${points.at(-1)[1].toFixed(2)}` : "");
    picture.setAttribute("aria-label", `Over ${newest} steps, ${[story("training", train), story("validation", val)].filter(Boolean).join("; ")}.`);
  };
  new ResizeObserver(() => drawn && draw(...drawn)).observe(box);
  return draw;
}
