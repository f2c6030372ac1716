// Resizing as Pillow does it, to the bit: bicubic, weights in fixed point, rows first and then columns.
// Source: libImaging/Resample.c, ImagingResampleHorizontal_8bpc and its sisters.

const PRECISION = 22; // bits: 32 less 8 of a pixel and 2 for what negative weights add
const SUPPORT = 2;
const A = -0.5;

/** Return the grey of the box [left, top, right, bottom] of a picture, resized to side x side. */
export function resize({ grey, width, height }, side, [left, top, right, bottom]) {
  let found = { grey, width, height };
  if (width !== side || left !== 0 || right !== width) found = acrossRows(found, weights(width, left, right, side), side);
  if (height !== side || top !== 0 || bottom !== height) found = acrossColumns(found, weights(height, top, bottom, side), side);
  return { grey: found.grey, width: side, height: side };
}

function bicubic(distance) {
  const x = Math.abs(distance);
  if (x < 1) return ((A + 2) * x - (A + 3)) * x * x + 1;
  return x < 2 ? (((x - 5) * x + 8) * x - 4) * A : 0;
}

/** Return, for each of the pixels that are made, where its sources begin and the weight of each. */
function weights(size, from, to, side) {
  const scale = (to - from) / side;
  const spread = Math.max(scale, 1);
  const made = [];
  for (let pixel = 0; pixel < side; pixel += 1) {
    const center = from + (pixel + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - SUPPORT * spread + 0.5));
    const last = Math.min(size, Math.trunc(center + SUPPORT * spread + 0.5));
    const share = new Float64Array(last - first);
    let sum = 0;
    for (let each = 0; each < share.length; each += 1) {
      share[each] = bicubic((each + first - center + 0.5) * (1 / spread));
      sum += share[each];
    }
    const fixed = Int32Array.from(share, (value) => {
      const part = (sum === 0 ? value : value / sum) * (1 << PRECISION);
      return Math.trunc(part < 0 ? part - 0.5 : part + 0.5);
    });
    made.push({ first, fixed });
  }
  return made;
}

function rounded(sum) {
  return Math.max(0, Math.min(255, Math.floor(sum / (1 << PRECISION))));
}

function acrossRows({ grey, width, height }, made, side) {
  const out = new Uint8Array(side * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < side; column += 1) {
      const { first, fixed } = made[column];
      let sum = 1 << (PRECISION - 1);
      for (let each = 0, at = row * width + first; each < fixed.length; each += 1, at += 1) sum += grey[at] * fixed[each];
      out[row * side + column] = rounded(sum);
    }
  }
  return { grey: out, width: side, height };
}

function acrossColumns({ grey, width }, made, side) {
  const out = new Uint8Array(width * side);
  for (let row = 0; row < side; row += 1) {
    const { first, fixed } = made[row];
    for (let column = 0; column < width; column += 1) {
      let sum = 1 << (PRECISION - 1);
      for (let each = 0, at = first * width + column; each < fixed.length; each += 1, at += width) sum += grey[at] * fixed[each];
      out[row * width + column] = rounded(sum);
    }
  }
  return { grey: out, width, height: side };
}
