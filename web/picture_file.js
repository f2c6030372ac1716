// A PNG or JPEG file as a picture in 8-bit grey, upright, on white paper: what model_code/image_file.py makes of it.
// Its sentences are that file's and photo.py's own.

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const JPEG = [0xff, 0xd8];
const MOST_PIXELS = 89478485; // of Pillow: what is larger it takes for a decompression bomb
const LEAST_SIDE = 48;
const NOT_WHOLE = "The body is not a whole PNG or JPEG picture; send the file's own bytes, unchanged.";

/** What is wrong with a picture, in one sentence. */
export class PictureError extends Error {}

/** Return {grey, width, height} of a file (Blob). Throws PictureError. */
export async function decode(file) {
  const bytes = new Uint8Array(await file.arrayBuffer());
  const size = begins(bytes, PNG) ? sizeOfPng(bytes) : begins(bytes, JPEG) ? sizeOfJpeg(bytes) : null;
  if (!size) throw new PictureError(NOT_WHOLE);
  if (size.width * size.height > MOST_PIXELS) {
    throw new PictureError(`The picture has more than ${MOST_PIXELS.toLocaleString("en")} pixels; send a smaller one.`);
  }
  let bitmap;
  try {
    bitmap = await createImageBitmap(new Blob([bytes]), { colorSpaceConversion: "none", imageOrientation: "from-image" });
  } catch {
    throw new PictureError(NOT_WHOLE);
  }
  const { width, height } = bitmap;
  if (Math.min(width, height) < LEAST_SIDE) {
    throw new PictureError(`The picture has ${width}x${height} pixels; it needs ${LEAST_SIDE}x${LEAST_SIDE} or more.`);
  }
  return { grey: greyOf(bitmap), width, height };
}

function begins(bytes, beginning) {
  return beginning.every((byte, number) => bytes[number] === byte);
}

/** Return the size of a PNG file that has its end, else null. */
function sizeOfPng(bytes) {
  const view = new DataView(bytes.buffer);
  let at = PNG.length;
  let size = null;
  while (at + 12 <= bytes.length) {
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    if (name === "IHDR" && at + 16 <= bytes.length) size = { width: view.getUint32(at + 8), height: view.getUint32(at + 12) };
    if (name === "IEND") return size;
    at += 12 + view.getUint32(at); // length, name, the chunk itself, check sum
  }
  return null;
}

/** Return the size of a JPEG file that has its end, else null. */
function sizeOfJpeg(bytes) {
  const view = new DataView(bytes.buffer);
  let at = 2;
  let size = null;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1];
    if (marker === 0xff) { at += 1; continue; } // padding
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      size = { height: view.getUint16(at + 5), width: view.getUint16(at + 7) };
    }
    if (marker === 0xda) break; // the picture itself begins
    at += 2 + view.getUint16(at + 2);
  }
  for (let end = bytes.length - 2; end > at; end -= 1) {
    if (bytes[end] === 0xff && bytes[end + 1] === 0xd9) return size;
  }
  return null;
}

/** Return the grey of each pixel as Pillow's mode L has it: ITU-R 601-2, in fixed point. */
function greyOf(bitmap) {
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { alpha: false, willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, bitmap.width, bitmap.height);
  context.drawImage(bitmap, 0, 0);
  const { data } = context.getImageData(0, 0, bitmap.width, bitmap.height);
  const grey = new Uint8Array(bitmap.width * bitmap.height);
  for (let pixel = 0, at = 0; pixel < grey.length; pixel += 1, at += 4) {
    grey[pixel] = (data[at] * 19595 + data[at + 1] * 38470 + data[at + 2] * 7471 + 0x8000) >> 16;
  }
  return grey;
}
