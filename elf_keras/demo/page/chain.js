// A model cut at its exits: run stage by stage until an image leaves.

import { ExitRule } from "./certainty.js";
import { calibrated, confidence, largest, leaves } from "./exit_rule.js";
import * as numbers from "./numbers.js";
import { fetchFile, Problem } from "./problem.js";
import { Stage } from "./stage.js";

/** The stages of one variant of an export, and its bare backbone. */
export class Chain {
  #manifest;
  #records;
  #rule;
  #stages;
  #runtime;
  #backbone;

  constructor(runtime, manifest, records, stages) {
    this.#runtime = runtime;
    this.#manifest = manifest;
    this.#records = records;
    this.#rule = new ExitRule(manifest);
    this.#stages = stages;
  }

  /** Fetch, check and compile all stages, and run each once. */
  static async load(runtime, manifest, variant) {
    const records = manifest.variants[variant].stages;
    const files = await Promise.all(
      records.map(({ file }) => checkedFile(file, manifest.checksums[file])),
    );
    const stages = [];
    const chain = new Chain(runtime, manifest, records, stages);
    try {
      for (const file of files) stages.push(await Stage.load(runtime, file));
      // The first run of a stage is slow; it shall not be the user's.
      await chain.predict(new Uint8Array(size(records[0].input)), []);
    } catch (error) {
      chain.delete();
      throw error;
    }
    return chain;
  }

  /**
   * Classify one image.
   * @param {Uint8Array} pixels 0 to 255, rows of pixels of channels.
   * @param {Array<?number>} thresholds one for each early exit; null or
   *   missing: nobody leaves there.
   * @return what the image left with; exits count from 1.
   */
  async predict(pixels, thresholds) {
    const began = performance.now();
    const ask = this.#rule.begin();
    let input = numbers.stored(pixels, this.#records[0].input);
    for (const [index, stage] of this.#stages.entries()) {
      const record = this.#records[index];
      const outputs = await stage.run(new Uint8Array(input.buffer));
      const name = `exit_${index + 1}`;
      const said = ask(read(outputs, record, name, numbers.real));
      checkNumber(said.certainty, record);
      const next = this.#records[index + 1];
      if (!next || leaves(said.certainty, thresholds[index] ?? null)) {
        const { macs, temperature } = this.#manifest.exits[index];
        const { words } = this.#rule;
        return this.#answer(index, began, { ...said, words, macs, temperature });
      }
      input = read(outputs, record, "features", (values, tensor) =>
        numbers.alike(tensor, next.input)
          ? values
          : numbers.stored(numbers.real(values, tensor), next.input),
      );
    }
  }

  /**
   * Classify one image by the bare backbone, past no head but its own.
   * @param {Uint8Array} pixels as in predict.
   * @param record of the last exit's file, in the manifest.
   * @return as predict does.
   */
  async predictAlone(pixels, record) {
    this.#backbone ??= await this.#load(record);
    const began = performance.now();
    const index = this.#records.length - 1;
    const outputs = await this.#backbone.run(given(pixels, record));
    const name = `exit_${index + 1}`;
    const scores = read(outputs, record, name, numbers.real);
    const certainty = confidence(scores);
    checkNumber(certainty, record);
    const { exits, backbone_macs: macs, static_temperature } = this.#manifest;
    const temperature = static_temperature ?? exits[index].temperature;
    const said = { scores, certainty, words: "confidence" };
    return this.#answer(index, began, { ...said, macs, temperature });
  }

  /** Give the memory of all stages back. */
  delete() {
    const held = [...this.#stages.splice(0), this.#backbone];
    held.forEach((stage) => stage?.delete());
    this.#backbone = undefined;
  }

  async #load(record) {
    const { file, input } = record;
    const bytes = await checkedFile(file, this.#manifest.checksums[file]);
    const stage = await Stage.load(this.#runtime, bytes);
    // Slow, as the first run of every stage.
    await stage.run(given(new Uint8Array(size(input)), record));
    return stage;
  }

  #answer(index, began, { scores, certainty, words, macs, temperature }) {
    const milliseconds = performance.now() - began;
    const found = largest(scores);
    return {
      exit: index + 1,
      index: found,
      name: this.#manifest.class_names[found],
      certainty,
      words,
      confidence: confidence(scores),
      probability: calibrated(scores, temperature ?? 1, found),
      milliseconds,
      macs,
    };
  }
}

function given(pixels, { input }) {
  return new Uint8Array(numbers.stored(pixels, input).buffer);
}

function checkNumber(certainty, { file }) {
  if (Number.isNaN(certainty)) {
    throw new Problem(`${file} gives scores that are no numbers.`);
  }
}

function read(outputs, record, name, use) {
  const tensor = record.outputs[name];
  if (!tensor || !(name in outputs)) {
    throw new Problem(`${record.file} has no output ${name}.`);
  }
  return use(numbers.view(outputs[name], tensor), tensor);
}

function size({ shape }) {
  return shape.reduce((product, side) => product * side, 1);
}

async function checkedFile(name, expected) {
  const answer = await fetchFile(name);
  const bytes = await answer.arrayBuffer();
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  const hex = (byte) => byte.toString(16).padStart(2, "0");
  if (Array.from(digest, hex).join("") !== expected) {
    throw new Problem(
      `${name} has changed since the server was started. Start it again: it ` +
        "checks the model.",
    );
  }
  return new Uint8Array(bytes);
}
