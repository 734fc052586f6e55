// Painting maps of weights. Colours come from the style sheet, so that both themes have their own.

/** A custom colour of the style sheet as [r, g, b]. The colours there are written as #rrggbb. */
export function colour(name) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(value.slice(start, start + 2), 16));
}

/** Paint size x size weights in [0, 1] into a canvas of as many pixels; the browser enlarges it. */
export function paint(canvas, weights, size) {
  const paper = colour("--map-paper");
  const ink = colour("--map-ink");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (let cell = 0; cell < size * size; cell++) {
    // The root lifts small weights, which would be all but white; above the diagonal nothing can be seen anyway.
    const share = Math.sqrt(Math.min(1, Math.max(0, weights[cell])));
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * cell + channel] = paper[channel] + (ink[channel] - paper[channel]) * share;
    }
    image.data[4 * cell + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

const LEGIBLE = 13; // pixels that a token beside the map needs

/**
 * Paint one head large: T x T weights, a row for each token, with the tokens along both axes.
 * Gives back cellAt(x, y), in the canvas's own CSS pixels -> [row, column] or null.
 */
export function paintLarge(canvas, weights, words, chosen) {
  const T = words.length;
  const side = canvas.clientWidth || 320;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const margin = Math.min(84, side * 0.24);
  const left = margin;
  const cell = (side - left) / T;
  const every = Math.ceil(LEGIBLE / cell); // of a long text every second, third, ... token is named
  const small = document.createElement("canvas");
  paint(small, weights, T);
  context.imageSmoothingEnabled = false;
  context.drawImage(small, left, left, cell * T, cell * T);

  const [r, g, b] = colour("--ink");
  context.font = `${Math.min(13, cell * every * 0.8)}px ${getComputedStyle(canvas).fontFamily}`;
  context.textBaseline = "middle";
  context.fillStyle = `rgb(${r} ${g} ${b})`;
  words.forEach((word, i) => {
    // The chosen token is always named; those beside it make room.
    const isNamed = i === chosen || (i % every === 0 && (chosen === null || Math.abs(i - chosen) >= every));
    if (!isNamed) return;
    const middle = left + cell * (i + 0.5);
    const short = word.length > 9 ? `${word.slice(0, 8)}…` : word;
    context.globalAlpha = chosen === null || chosen === i ? 1 : 0.55;
    context.textAlign = "right";
    context.fillText(short, left - 6, middle);
    context.globalAlpha = 0.75;
    context.save();
    context.translate(middle, left - 6);
    context.rotate(-Math.PI / 2);
    context.textAlign = "left";
    context.fillText(short, 0, 0);
    context.restore();
  });
  context.globalAlpha = 1;
  if (chosen !== null && chosen < T) {
    const accent = colour("--accent");
    context.strokeStyle = `rgb(${accent.join(" ")})`;
    context.lineWidth = 1.5;
    context.strokeRect(left + 0.75, left + cell * chosen, cell * T - 1.5, Math.max(2, cell));
  }
  return (x, y) => {
    const column = Math.floor((x - left) / cell);
    const row = Math.floor((y - left) / cell);
    return row >= 0 && row < T && column < T ? [row, Math.max(0, column)] : null;
  };
}
