// The lab's preparation of a photo, step by step what model_code/photo.py does: what the network was trained on is what
// it gets to see. A picture is {grey, width, height}, its pixels row by row, 0 for black and 255 for white.

import { resize } from "./resample.js";

export const SIDE = 48;
const WORKING_SIDE = 4 * SIDE;
const MIDDLE_GREY = 128;

/** Return the picture as the network sees it: 48x48, bright brick on dark ground. */
export function prepare(picture) {
  if (picture.width === SIDE && picture.height === SIDE && !hasLightBackground(picture)) return picture;
  return cleaned(middleSquare(picture));
}

function middleSquare(picture) {
  const { width, height } = picture;
  const least = Math.min(width, height);
  const [left, top] = [(width - least) * 0.5, (height - least) * 0.5];
  return resize(picture, Math.min(least, WORKING_SIDE), [left, top, left + least, top + least]);
}

function cleaned(picture) {
  let found = sharpened(withContrast(evenlyLit(picture)));
  if (hasLightBackground(found)) found = { ...found, grey: found.grey.map((value) => 255 - value) };
  return resize(found, SIDE, [0, 0, found.width, found.height]);
}

/** Take away a slope of brightness: that of the plane which lies closest to the picture's border. */
function evenlyLit({ grey, width: side }) {
  const along = (number) => number / (side - 1) - 0.5;
  const sums = { rows: 0, columns: 0, squares: 0 };
  for (let row = 0; row < side; row += 1) {
    const step = row === 0 || row === side - 1 ? 1 : side - 1;
    for (let column = 0; column < side; column += step) {
      // Over the border, which is symmetric, the plane's two directions have nothing in common, nor with its height.
      sums.rows += along(row) * grey[row * side + column];
      sums.columns += along(column) * grey[row * side + column];
      sums.squares += along(row) ** 2;
    }
  }
  const [down, right] = [sums.rows / sums.squares, sums.columns / sums.squares];
  const out = Uint8ClampedArray.from(grey, (value, at) => // it rounds as NumPy does, halves to even
    value - (along(Math.floor(at / side)) * down + along(at % side) * right));
  return { grey: Uint8Array.from(out), width: side, height: side };
}

function withContrast(picture) {
  const { grey } = picture;
  const [least, most] = [grey.reduce((a, b) => Math.min(a, b)), grey.reduce((a, b) => Math.max(a, b))];
  if (most <= least) return picture;
  const scale = 255 / (most - least);
  const table = Uint8Array.from({ length: 256 }, (_, value) =>
    Math.max(0, Math.min(255, Math.trunc(value * scale + -least * scale))));
  return { ...picture, grey: grey.map((value) => table[value]) };
}

/** Return it with Pillow's filter SHARPEN; the outermost pixels stay as they are. */
function sharpened({ grey, width, height }) {
  const out = Uint8Array.from(grey);
  for (let row = 1; row < height - 1; row += 1) {
    for (let column = 1; column < width - 1; column += 1) {
      const at = row * width + column;
      let around = 0;
      for (const above of [-width, 0, width]) around += grey[at + above - 1] + grey[at + above] + grey[at + above + 1];
      const sum = (34 * grey[at] - 2 * around) / 16 + 0.5;
      out[at] = Math.max(0, Math.min(255, Math.floor(sum)));
    }
  }
  return { grey: out, width, height };
}

function hasLightBackground(picture) {
  return background(picture) >= MIDDLE_GREY;
}

/** Return the tone of the background: the median of the picture's border, in which each corner is twice. */
function background({ grey, width, height }) {
  const border = [];
  for (let column = 0; column < width; column += 1) border.push(grey[column], grey[(height - 1) * width + column]);
  for (let row = 0; row < height; row += 1) border.push(grey[row * width], grey[row * width + width - 1]);
  border.sort((a, b) => a - b);
  return Math.trunc((border[border.length / 2 - 1] + border[border.length / 2]) / 2);
}
