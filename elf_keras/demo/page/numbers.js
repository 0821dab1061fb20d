// Numbers as a tensor's file holds them: real = scale * (stored - zero_point).
// A tensor is described as in the manifest: {dtype, shape, scale, zero_point}.

const ARRAYS = {
  float32: Float32Array,
  int8: Int8Array,
  uint8: Uint8Array,
};

/** View bytes as the numbers of a tensor. */
export function view(bytes, tensor) {
  const array = arrayOf(tensor);
  return new array(bytes.buffer, 0, bytes.length / array.BYTES_PER_ELEMENT);
}

/** From stored numbers to real ones, in float32. */
export function real(stored, { scale, zero_point: zero }) {
  if (scale === null) return Float32Array.from(stored);
  return Float32Array.from(stored, (value) => scale * (value - zero));
}

/** From real numbers to those that a tensor stores. */
export function stored(values, tensor) {
  const array = arrayOf(tensor);
  if (tensor.scale === null) return array.from(values);
  const low = tensor.dtype === "int8" ? -128 : 0;
  return array.from(values, (value) => {
    const steps = Math.fround(value / tensor.scale);
    const found = halfToEven(steps) + tensor.zero_point;
    return Math.min(Math.max(found, low), low + 255);
  });
}

/** Whether two tensors store real numbers in the same way. */
export function alike(one, other) {
  return ["dtype", "scale", "zero_point"].every(
    (field) => one[field] === other[field],
  );
}

function arrayOf({ dtype }) {
  if (!(dtype in ARRAYS)) {
    throw new Error(`Tensors of type ${dtype} cannot be read by this page.`);
  }
  return ARRAYS[dtype];
}

/** Round as NumPy does. */
function halfToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}
