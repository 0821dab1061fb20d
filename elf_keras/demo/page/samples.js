// The sample set of an export, if it has one.

import { fetchFile, Problem } from "./problem.js";

const LIST = "samples/samples.json";

/** Fetch the samples as {name, pixels, label}; null if there are none. */
export async function loadSamples({ checksums, input }) {
  if (!(LIST in checksums)) return null;
  const list = await (await fetchFile(LIST)).json();
  const file = await (await fetchFile(list.images)).arrayBuffer();
  const size = input.height * input.width * input.channels;
  if (file.byteLength !== list.count * size) {
    throw new Problem(`${list.images} does not hold ${list.count} images.`);
  }
  return list.labels.map((label, index) => ({
    label,
    name: list.names[index],
    pixels: new Uint8Array(file, index * size, size),
  }));
}
