// LiteRT.js, and one stage of a chain in it.
//
// Stages are driven through the runtime's C++ bindings: its Tensor class knows
// no int8. What they hand out lies outside of JavaScript's memory, so all of
// it is freed by hand.

import { Problem } from "./problem.js";

const FILES = "/vendor/@litertjs/core/wasm/";

/** Load the runtime; it needs WebAssembly and what `make page` fetches. */
export async function loadRuntime() {
  if (typeof WebAssembly !== "object") {
    throw new Problem(
      "This browser has no WebAssembly, which the model runs on. Use a " +
        "current browser, or allow WebAssembly in its settings.",
    );
  }
  try {
    const core = await import("@litertjs/core");
    // Taken up by the loader: its notices would all count as errors.
    globalThis.Module = { printErr: log };
    const { liteRtWasm: wasm } = await core.loadLiteRt(FILES);
    return { wasm, environment: core.getDefaultEnvironment() };
  } catch (error) {
    throw new Problem(
      "LiteRT.js could not be loaded. Run “make page” once where the server " +
        "was started, then reload this page.",
      error,
    );
  }
}

/** One TFLite file: from an image or features to scores and features. */
export class Stage {
  #wasm;
  #model;
  #compiled;
  #input;
  #names;
  #memory;

  static async load(runtime, bytes) {
    const stage = new Stage();
    try {
      await stage.#compile(runtime, bytes);
    } catch (error) {
      stage.delete();
      throw error;
    }
    return stage;
  }

  async #compile({ wasm, environment }, bytes) {
    this.#wasm = wasm;
    this.#memory = wasm._malloc(bytes.length);
    wasm.HEAPU8.set(bytes, this.#memory);
    const native = environment.liteRtEnvironment;
    this.#model = wasm.loadModel(native, this.#memory, bytes.length);
    this.#compiled = await wasm.compileModel(native, this.#model, {
      environment,
      accelerator: "wasm",
      cpuOptions: { numThreads: 1 },
      gpuOptions: {},
      webNNOptions: {},
    });
    const signature = this.#model.getSignature(0);
    this.#names = taken(signature.outputNames());
    signature.delete();
    const type = this.#model.getInputTensorType(0, 0);
    this.#input = wasm.LiteRtTensorBuffer.createManaged(
      native,
      wasm.LiteRtTensorBufferType.HOST_MEMORY,
      type,
      type.bytes(),
    );
    type.delete();
  }

  /**
   * Run the stage.
   * @param {Uint8Array} bytes of the input tensor.
   * @return {Promise<Object<string, Uint8Array>>} bytes by output name.
   */
  async run(bytes) {
    if (bytes.length !== this.#input.packedSize()) {
      throw new Error("The input does not have the size of the stage's.");
    }
    this.#locked(this.#input, "WRITE", (heap, at) => heap.set(bytes, at));
    const buffers = await this.#compiled.run(0, [this.#input]);
    const outputs = buffers.map((buffer, index) => {
      const size = buffer.packedSize();
      const copy = (heap, at) => heap.slice(at, at + size);
      return [this.#names[index], this.#locked(buffer, "READ", copy)];
    });
    buffers.forEach((buffer) => buffer.delete());
    return Object.fromEntries(outputs);
  }

  /** Give the stage's memory back; it cannot run afterwards. */
  delete() {
    for (const held of [this.#input, this.#compiled, this.#model]) {
      held?.delete();
    }
    this.#wasm._free(this.#memory);
  }

  #locked(buffer, mode, use) {
    const at = buffer.lock(this.#wasm.LiteRtTensorBufferLockMode[mode]);
    try {
      // Asked for anew each time: it is replaced whenever the memory grows.
      return use(this.#wasm.HEAPU8, at);
    } finally {
      buffer.unlock();
    }
  }
}

function log(line) {
  console[/^(ERROR|FATAL)/.test(line) ? "warn" : "debug"](line);
}

function taken(vector) {
  const found = Array.from({ length: vector.size() }, (_, i) => vector.get(i));
  vector.delete();
  return found;
}
