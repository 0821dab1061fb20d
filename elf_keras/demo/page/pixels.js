// From a picture file to the pixels that the model takes, and back to a
// thumbnail.

import { Problem } from "./problem.js";
import { centreSquare, grey } from "./resample.js";

// Larger pictures are first reduced by the browser: phones draw no larger.
const MOST_PIXELS = 2 ** 22;
const MOST_BYTES = 2 ** 26;

/**
 * Decode a picture and cut it to the model's input.
 * @return {Promise<Uint8Array>} height × width × channels, 0 to 255.
 */
export async function fromFile(file, input) {
  const picture = await decode(file);
  const drawn = draw(picture);
  picture.close();
  const colours = opaque(drawn.data);
  const { width, height } = drawn;
  const one = input.channels === 1;
  const from = { width, height, channels: one ? 1 : 3 };
  return centreSquare(one ? grey(colours) : colours, from, input);
}

/** Show a model's pixels. */
export function thumbnail(pixels, { width, height, channels }) {
  const canvas = document.createElement("canvas");
  Object.assign(canvas, { width, height });
  const shown = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = channels === 1 ? i : 3 * i + channel;
      shown.data[4 * i + channel] = pixels[from];
    }
    shown.data[4 * i + 3] = 255;
  }
  canvas.getContext("2d").putImageData(shown, 0, 0);
  canvas.setAttribute("aria-hidden", "true");
  return canvas;
}

async function decode(file) {
  if (file.size > MOST_BYTES) {
    throw new Problem(`${file.name} is larger than 64 MB; pick a smaller one.`);
  }
  try {
    // The numbers in the file, turned upright, no colour management.
    return await createImageBitmap(file, {
      colorSpaceConversion: "none",
      imageOrientation: "from-image",
    });
  } catch (error) {
    throw new Problem(
      `${file.name || "This file"} is no picture that the browser can read.`,
      error,
    );
  }
}

function draw(picture) {
  const most = Math.sqrt(MOST_PIXELS / (picture.width * picture.height));
  const scale = Math.min(1, most);
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, Math.round(picture.width * scale));
  canvas.height = Math.max(1, Math.round(picture.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  // Where the picture is transparent it becomes white.
  context.fillStyle = "white";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  return context.getImageData(0, 0, canvas.width, canvas.height);
}

function opaque(data) {
  const found = new Uint8Array((data.length / 4) * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    found[to++] = data[from];
    found[to++] = data[from + 1];
    found[to++] = data[from + 2];
  }
  return found;
}
