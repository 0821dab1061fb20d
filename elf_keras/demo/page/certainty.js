// What an exit answers by, and how sure it is of it: as the manifest's rule in
// elf_keras/exits says. All steps are rounded to float32, see exit_rule.js.

import { confidence, largest } from "./exit_rule.js";
import { Problem } from "./problem.js";

const { fround } = Math;
// In place of a certainty of 0: a threshold fits under it.
const LEAST = fround(1e-7);

// By the manifest's name: what it is called here, and how it is found, of
// scores, the number of their exit, and the exits in a row that said the same.
const RULES = {
  confidence: ["confidence", confidence],
  entropy: ["certainty by entropy", entropy],
  margin: ["lead of the best class", margin],
  patience: ["agreement of exits", patience],
  depth_confidence: ["confidence by depth", depthConfidence],
};

/** The rule of a manifest; one of before leaves by confidence. */
export class ExitRule {
  #find;
  #decay;
  #scale;

  constructor(manifest) {
    const rule = manifest.exit_rule ?? "confidence";
    const answer = manifest.answer ?? "own";
    const known = Object.hasOwn(RULES, rule);
    if (!known || !["own", "running"].includes(answer)) {
      throw new Problem(
        `The model leaves by “${rule}” of “${answer}” scores, which this page ` +
          "does not know. Serve it with a newer version.",
      );
    }
    [this.words, this.#find] = RULES[rule];
    this.#decay = answer === "own" ? 0 : fround(manifest.answer_decay ?? 0.5);
    // Confidence is that of scores as they are.
    const scale = manifest.score_scale ?? 1;
    this.#scale = rule === "confidence" ? 1 : fround(scale);
  }

  /**
   * Begin with an image.
   * @return a function of each exit's own scores in turn, to what the exit
   *   answers by and its certainty in (0, 1].
   */
  begin() {
    let [number, run, sum, said] = [0, 0, null, null];
    return (own) => {
      number += 1;
      sum = this.#added(sum, own);
      const best = largest(sum);
      run = best === said ? run + 1 : 1;
      said = best;
      const scaled = times(this.#scale, sum);
      return { scores: sum, certainty: this.#find(scaled, number, run) };
    };
  }

  /** R_k = d R_{k-1} + z_k. */
  #added(sum, own) {
    if (!sum || !this.#decay) return Float32Array.from(own);
    const before = times(this.#decay, sum);
    return before.map((value, index) => value + own[index]);
  }
}

/** 1 - H / log C. */
function entropy(scores) {
  const top = Math.max(...scores);
  let [total, weighted] = [0, 0];
  for (const score of scores) {
    const below = fround(score - top);
    const power = fround(Math.exp(below));
    total += power;
    weighted += fround(power * below);
  }
  [total, weighted] = [fround(total), fround(weighted)];
  const found = fround(fround(Math.log(total)) - fround(weighted / total));
  const share = fround(found / fround(Math.log(scores.length)));
  return Math.max(fround(1 - share), LEAST);
}

/** p_1 - p_2, the two largest probabilities. */
function margin(scores) {
  const best = largest(scores);
  const others = scores.filter((_, index) => index !== best);
  const lead = fround(Math.max(...others) - scores[best]);
  const share = fround(-Math.expm1(lead));
  return Math.max(fround(share * confidence(scores)), LEAST);
}

/** r / (r + 1) of a run r; NaN where a score is no number. */
function patience(scores, _, run) {
  return fround(run / (run + 1)) + 0 * Math.max(...scores);
}

/** Confidence of k times the scores of exit k. */
function depthConfidence(scores, number) {
  return confidence(times(number, scores));
}

function times(factor, scores) {
  return Float32Array.from(scores, (score) => factor * score);
}
