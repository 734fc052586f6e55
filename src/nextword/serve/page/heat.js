// Painting maps of weights. Colours come from the style sheet, so that both themes have their own.

/** A custom colour of the style sheet as [r, g, b]. The colours there are written as #rrggbb. */
export function colour(name) {
  const value = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(value.slice(start, start + 2), 16));
}

/** Paint size x size shares in [0, 1] into a canvas of as many pixels; the browser enlarges it. */
export function paint(canvas, shares, size) {
  const paper = colour("--map-paper");
  const ink = colour("--map-ink");
  canvas.width = canvas.height = size;
  const context = canvas.getContext("2d");
  const image = context.createImageData(size, size);
  for (let cell = 0; cell < size * size; cell++) {
    // The power lifts small shares, which would be all but white; above the diagonal nothing can be seen anyway.
    const share = Math.min(1, Math.max(0, shares[cell])) ** 0.75;
    for (let channel = 0; channel < 3; channel++) {
      image.data[4 * cell + channel] = paper[channel] + (ink[channel] - paper[channel]) * share;
    }
    image.data[4 * cell + 3] = 255;
  }
  context.putImageData(image, 0, 0);
}

/** Where the largest of some numbers stands. */
export const strongest = (numbers) => numbers.reduce((best, number, i) => (number > numbers[best] ? i : best), 0);

/**
 * T x T weights -> size x size shares, size at most `most`: each row divided by its strongest weight, since in a long
 * text all are small, and each pixel the strongest in its part of the map, so that a single bright spot is not lost.
 */
function shrink(weights, T, most) {
  const size = Math.min(T, most);
  const shares = new Float32Array(size * size);
  for (let row = 0; row < T; row++) {
    const own = weights.subarray(row * T, (row + 1) * T);
    const highest = own[strongest(own)] || 1;
    const start = Math.floor((row * size) / T) * size;
    for (let column = 0; column <= row; column++) {
      const pixel = start + Math.floor((column * size) / T);
      shares[pixel] = Math.max(shares[pixel], own[column] / highest);
    }
  }
  return { shares, size };
}

const LEGIBLE = 13; // pixels that a token beside the map needs
const LARGEST = 13; // pixels of its letters
const EDGE = 6; // pixels to the right and below, for the half of the last label that stands out
const pictures = new WeakMap(); // what was made of some weights: they are painted again whenever the pointer moves

function picture(weights, T, most) {
  const theme = document.documentElement.dataset.theme;
  const known = pictures.get(weights);
  if (known?.theme === theme && known.most === most) return known.canvas;
  const canvas = document.createElement("canvas");
  const { shares, size } = shrink(weights, T, most);
  paint(canvas, shares, size);
  pictures.set(weights, { theme, most, canvas });
  return canvas;
}

/**
 * Paint one head large: T x T weights, a row for each token, with the tokens along both axes. The row of the chosen
 * token is framed, with a ring around its strongest cell, and the cell at the pointed column, where there is one.
 * Gives back cellAt(x, y), in the canvas's own CSS pixels -> [row, column] or null; column is null beside the map.
 */
export function paintLarge(canvas, weights, words, chosen, pointed = null) {
  const T = words.length;
  const side = canvas.clientWidth || 320;
  const ratio = window.devicePixelRatio || 1;
  canvas.width = canvas.height = Math.round(side * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const font = (size) => `${size}px ${getComputedStyle(canvas).fontFamily}`;
  const short = words.map((word) => (word.length > 9 ? `${word.slice(0, 8)}…` : word));
  context.font = `600 ${font(LARGEST)}`;
  const left = Math.min(side * 0.24, 14 + Math.max(...short.map((word) => context.measureText(word).width)));
  const cell = (side - left - EDGE) / T;
  const every = Math.ceil(LEGIBLE / cell); // of a long text every second, third, ... token is named
  context.imageSmoothingEnabled = false;
  context.drawImage(picture(weights, T, Math.floor(cell * T * ratio)), left, left, cell * T, cell * T);

  const css = (name) => `rgb(${colour(name).join(" ")})`;
  const best = chosen === null ? null : strongest(weights.subarray(chosen * T, (chosen + 1) * T));
  const seen = pointed ?? best;
  const usual = font(Math.min(LARGEST, cell * every * 0.8));
  context.textBaseline = "middle";
  // The token that matters is always named; those beside it make room.
  const isNamed = (i, matters) => i === matters || (i % every === 0 && (matters === null || Math.abs(i - matters) >= every));
  const write = (word, matters) => {
    context.font = matters ? `600 ${usual}` : usual;
    context.fillStyle = css(matters ? "--ink" : "--quiet");
    context.fillText(word, 0, 0);
  };
  short.forEach((word, i) => {
    const middle = left + cell * (i + 0.5);
    if (isNamed(i, chosen)) {
      context.save();
      context.translate(left - 6, middle);
      context.textAlign = "right";
      write(word, i === chosen);
      context.restore();
    }
    if (isNamed(i, seen)) {
      context.save();
      context.translate(middle, left - 6);
      context.rotate(-Math.PI / 2);
      context.textAlign = "left";
      write(word, i === seen);
      context.restore();
    }
  });
  if (chosen !== null && chosen < T) {
    const frame = (colourName, width, ...box) => {
      context.strokeStyle = css(colourName);
      context.lineWidth = width;
      context.strokeRect(...box);
    };
    frame("--accent", 1.5, left + 0.75, left + cell * chosen, cell * T - 1.5, Math.max(2, cell));
    context.strokeStyle = css("--warm");
    context.lineWidth = 2;
    context.beginPath();
    context.arc(left + cell * (best + 0.5), left + cell * (chosen + 0.5), Math.max(3.5, Math.min(9, cell * 0.3)), 0, 2 * Math.PI);
    context.stroke();
    if (pointed !== null) {
      const size = Math.max(6, cell); // a cell of less than a pixel has to be seen as well
      const middle = (place) => left + cell * (place + 0.5) - size / 2;
      frame("--ink", 2, middle(pointed), middle(chosen), size, size);
    }
  }
  return (x, y) => {
    const column = Math.floor((x - left) / cell);
    const row = Math.floor((y - left) / cell);
    return row >= 0 && row < T && column < T ? [row, column < 0 ? null : column] : null;
  };
}
