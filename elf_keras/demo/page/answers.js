// What the page says of each picture, and of all of them together.

import { element, limit, millions, percent, time } from "./elements.js";
import { thumbnail } from "./pixels.js";

const FIELDS = [
  ...["exit", "index", "certainty", "confidence", "probability", "macs"],
];

/** The answers to one set of pictures, and their totals. */
export class Answers {
  constructor(manifest) {
    this.manifest = manifest;
    this.count = 0;
    this.labelled = 0;
    this.right = 0;
    this.macs = 0;
    this.milliseconds = 0;
    this.left = manifest.exits.map(() => 0);
  }

  add(answer, label) {
    this.count += 1;
    this.macs += answer.macs;
    this.milliseconds += answer.milliseconds;
    this.left[answer.exit - 1] += 1;
    if (label !== undefined) {
      this.labelled += 1;
      this.right += Number(answer.index === label);
    }
  }

  /** Accuracy and mean cost, a point of the plot; null without labels. */
  get point() {
    if (!this.labelled) return null;
    const accuracy = this.right / this.labelled;
    return { accuracy, macs: this.macs / this.count };
  }

  /** The totals in one sentence. */
  get sentence() {
    if (!this.count) return "Nothing has been run.";
    const mean = this.macs / this.count;
    const share = mean / this.manifest.backbone_macs;
    const right = this.labelled
      ? `${percent(this.right / this.labelled, 1)} right, `
      : "";
    return (
      `${this.count} ${this.count === 1 ? "picture" : "pictures"}: ${right}` +
      `${time(this.milliseconds / this.count)} and ` +
      `${millions(mean)} MACs on average, ` +
      `${percent(share)} of the static model’s.`
    );
  }
}

/** One picture in one sentence, as a screen reader says it. */
export function spoken(item, answer, manifest) {
  const { words } = answer;
  return (
    `${item.name}: ${answer.name}, at exit ${answer.exit} of ` +
    `${manifest.exits.length}, ${words} ${limit(answer.certainty)}.`
  );
}

/** One picture as a card for the list. */
export function card(item, answer, manifest) {
  const made = element(
    "li",
    {},
    thumbnail(item.pixels, manifest.input),
    element(
      "div",
      {},
      element("strong", {}, answer.name, verdict(item, answer, manifest)),
      element("span", {}, place(answer, manifest)),
      element("span", {}, certainty(answer)),
      element(
        "span",
        {},
        `${time(answer.milliseconds)}, ${spent(answer, manifest)}`,
      ),
      element("span", { class: "faint" }, item.name),
    ),
  );
  // For scripts that want the full numbers.
  for (const field of FIELDS) made.dataset[field] = answer[field];
  return made;
}

/** One picture at full length. */
export function portrait(item, answer, manifest) {
  const dots = manifest.exits.map(({ exit }) => {
    const state = exit < answer.exit ? "passed" : "";
    const kind = exit === answer.exit ? "taken" : state;
    return element("span", kind ? { class: kind } : {}, String(exit));
  });
  const { words } = answer;
  const facts = [
    [words[0].toUpperCase() + words.slice(1), limit(answer.certainty)],
    ["Calibrated probability", answer.probability.toFixed(4)],
    ["Time", time(answer.milliseconds)],
    ["Spent (of the static model’s)", spent(answer, manifest)],
  ].map(([name, value]) =>
    element("div", {}, element("dt", {}, name), element("dd", {}, value)),
  );
  return element(
    "div",
    { class: "portrait" },
    thumbnail(item.pixels, manifest.input),
    element(
      "div",
      {},
      element("p", { class: "name" }, answer.name),
      element("p", {}, place(answer, manifest)),
      element("p", { class: "dots", "aria-hidden": "true" }, ...dots),
    ),
    element("dl", {}, ...facts),
  );
}

/** The rows of the table that says where pictures left. */
export function shareRows(answers, policy) {
  return answers.manifest.exits.map(({ exit, macs }, index) => {
    const left = answers.left[index];
    const share = answers.count ? left / answers.count : 0;
    const bar = element("span", { class: "bar" });
    bar.style.width = `${100 * share}%`;
    const planned = policy?.exit_shares?.[index];
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, String(exit)),
      element("td", {}, millions(macs)),
      element("td", {}, answers.count ? percent(share) : "–", bar),
      element("td", {}, planned === undefined ? "–" : percent(planned)),
    );
  });
}

function place(answer, { exits }) {
  return `left at exit ${answer.exit} of ${exits.length}`;
}

function certainty({ certainty: sure, words, probability }) {
  return `${words} ${limit(sure)}, calibrated ${probability.toFixed(3)}`;
}

function spent({ macs }, { backbone_macs: all }) {
  return `${millions(macs)} MACs (${percent(macs / all)})`;
}

function verdict({ label }, { index }, { class_names: names }) {
  if (label === undefined) return "";
  const right = label === index;
  return element(
    "span",
    { class: right ? "right" : "wrong" },
    right ? " ✓ right" : ` ✗ it is ${names[label]}`,
  );
}
