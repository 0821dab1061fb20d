// The two sliders: the policies of the manifest, and a threshold of one's own.

import { limit, millions, percent } from "./elements.js";

/**
 * Policies of a variant, from the cheapest to the dearest. Where there is a file
 * of the bare backbone, `static` is one, with that file's record as `alone`.
 * @param {number} macs of the bare backbone.
 */
export function sortedPolicies(variant, macs) {
  const found = Object.entries(variant.policies).map(([name, policy]) => ({
    name,
    ...policy,
  }));
  const alone = variant.exits?.at(-1);
  if (alone) {
    const shares = variant.stages.map((_, index, { length }) =>
      Number(index + 1 === length),
    );
    const told = { macs, saving: 0, exit_shares: shares, alone };
    found.push({ name: "static", ...variant.static, ...told });
  }
  return found.sort((a, b) => a.macs - b.macs || a.accuracy - b.accuracy);
}

/** What a plot shows of them, the bare backbone too; `name` is in use. */
export function policyPoints(variant, macs, name) {
  const found = sortedPolicies(variant, macs).map((policy) => ({
    kind: policy.alone ? "static" : "policy",
    label: policy.name,
    current: policy.name === name,
    ...policy,
  }));
  const { accuracy } = variant.static;
  const bare = { kind: "static", label: "static", accuracy, macs };
  return found.some(({ alone }) => alone) ? found : [bare, ...found];
}

/** What decides when pictures leave. */
export class Budget {
  #slider = document.querySelector("#budget");
  #own = document.querySelector("#threshold");
  #policies = [];
  #split;
  #words;
  #usesOwn = false;

  /** @param {function()} changed is called when the user moves a slider. */
  constructor(changed) {
    this.#slider.addEventListener("input", () => {
      this.#usesOwn = false;
      this.#show();
      changed();
    });
    this.#own.addEventListener("input", () => {
      this.#usesOwn = true;
      this.#show();
      changed();
    });
  }

  /**
   * Take over a variant's policies, and choose one.
   * @param {string} name of the one.
   * @param {string} split that they were measured on.
   * @param {string} words for what thresholds are compared with.
   */
  offer(policies, name, split, words) {
    this.#split = split;
    this.#words = words;
    this.#policies = policies;
    this.#slider.max = policies.length - 1;
    const found = policies.findIndex((policy) => policy.name === name);
    if (found >= 0) {
      this.#slider.value = found;
      this.#usesOwn = false;
    }
    this.#show();
  }

  /** Name of the policy, or of the own threshold. */
  get name() {
    return this.#usesOwn ? `own s = ${this.#own.value}` : this.policy.name;
  }

  /** The manifest's policy; null with a threshold of one's own. */
  get policy() {
    return this.#usesOwn ? null : this.#policies[this.#slider.valueAsNumber];
  }

  /** One threshold for each of `exits` early exits; null: nobody leaves. */
  thresholds(exits) {
    const own = this.#own.valueAsNumber;
    return Array.from({ length: exits }, (_, index) =>
      this.#usesOwn ? own : (this.policy.thresholds?.[index] ?? null),
    );
  }

  #show() {
    const { policy } = this;
    const first = policy?.thresholds?.find((threshold) => threshold !== null);
    if (policy) this.#own.value = first ?? 1;
    const text = policy
      ? describe(policy, this.#split, this.#words)
      : "A threshold of your own.";
    document.querySelector("#policy").textContent = text;
    document.querySelector("#own").textContent = this.#own.value;
    this.#slider.setAttribute("aria-valuetext", text);
  }
}

function describe(policy, split, words) {
  const { name, thresholds, accuracy, macs, saving, advice, alone } = policy;
  const known = (thresholds ?? []).filter((threshold) => threshold !== null);
  const shown = new Set(known.map(limit));
  const nobody = alone
    ? "the backbone alone, without the other exits"
    : "nobody leaves early";
  const rule = shown.size
    ? `leaves when the ${words} is above ` + [...shown].join(", ")
    : nobody;
  return (
    `${name}: ${rule}. On ${split} ${percent(accuracy, 1)} right at ` +
    `${millions(macs)} MACs (saves ${percent(saving)}).` +
    (advice ? ` ${advice}.` : "")
  );
}
