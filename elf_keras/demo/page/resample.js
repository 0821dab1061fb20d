// Resize pixels as Pillow does (antialiased bilinear, fixed point), so that a
// picture gives the model here the pixels that it gives it in Python. Newer
// releases of Pillow resize some tall pictures in the other order, which differs
// by one level at most.

const BITS = 22;

/**
 * Cut the centre square out and resize it.
 * @param {Uint8Array|Uint8ClampedArray} pixels of the whole picture.
 * @param {{width: number, height: number, channels: number}} from its size.
 * @param {{width: number, height: number, kept?: number}} to the wanted size,
 *     and the square's part of the shorter side.
 * @return {Uint8Array} `to.height` rows of `to.width` pixels.
 */
export function centreSquare(pixels, from, to) {
  const side = square(Math.min(from.width, from.height), to.kept ?? 1);
  const left = Math.floor((from.width - side) / 2);
  const top = Math.floor((from.height - side) / 2);
  const across = weights(from.width, left, side, to.width);
  const down = weights(from.height, top, side, to.height);
  const { channels } = from;
  const wide = pass(pixels, across, {
    channels,
    lines: from.height,
    line: from.width * channels,
    newLine: to.width * channels,
    step: channels,
  });
  return pass(wide, down, {
    channels,
    lines: to.width,
    line: channels,
    newLine: channels,
    step: to.width * channels,
  });
}

/** A part of a side in whole pixels, halves to the even one, as in Python. */
function square(shorter, kept) {
  const exact = kept * shorter;
  const odd = exact % 1 === 0.5 && Math.round(exact) % 2 === 1;
  return Math.max(Math.round(exact) - (odd ? 1 : 0), 1);
}

/** Grey from red, green, blue: ITU-R 601, in fixed point. */
export function grey(pixels) {
  const found = new Uint8Array(pixels.length / 3);
  for (let i = 0; i < found.length; i++) {
    const [red, green, blue] = pixels.subarray(3 * i, 3 * i + 3);
    found[i] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
  }
  return found;
}

/** For each new pixel: its first old one, and the weights from there on. */
function weights(size, start, side, wanted) {
  const scale = side / wanted;
  const support = Math.max(scale, 1);
  return Array.from({ length: wanted }, (_, index) => {
    const centre = start + (index + 0.5) * scale;
    const first = Math.max(Math.trunc(centre - support + 0.5), 0);
    const end = Math.min(Math.trunc(centre + support + 0.5), size);
    const triangle = Array.from({ length: end - first }, (_, i) =>
      Math.max(0, 1 - Math.abs((i + first - centre + 0.5) * (1 / support))),
    );
    const sum = triangle.reduce((total, weight) => total + weight, 0);
    const fixed = triangle.map((weight) =>
      Math.trunc(0.5 + (weight / sum) * (1 << BITS)),
    );
    return { first, fixed };
  });
}

/** Resize along one axis: lines of pixels that lie `step` numbers apart. */
function pass(pixels, weights, { channels, lines, line, newLine, step }) {
  const found = new Uint8Array(lines * weights.length * channels);
  for (let number = 0; number < lines; number++) {
    weights.forEach(({ first, fixed }, index) => {
      for (let channel = 0; channel < channels; channel++) {
        let from = number * line + first * step + channel;
        let sum = 1 << (BITS - 1);
        for (const weight of fixed) {
          sum += weight * pixels[from];
          from += step;
        }
        found[number * newLine + index * step + channel] = sum >> BITS;
      }
    });
  }
  return found;
}
