// The page: what the user does, and what is then run and shown.

import { Answers, card, portrait, shareRows, spoken } from "./answers.js";
import { Budget, policyPoints, sortedPolicies } from "./budget.js";
import { ExitRule } from "./certainty.js";
import { Chain } from "./chain.js";
import { element } from "./elements.js";
import { fromFile } from "./pixels.js";
import { drawPlot, listPoints } from "./plot.js";
import { fetchFile, Problem, sentence } from "./problem.js";
import { loadSamples } from "./samples.js";
import { loadRuntime } from "./stage.js";

const at = (id) => document.getElementById(id);
const budget = new Budget(again);
let manifest, runtime, chain, variant, answers, samples;
// What was run last, to be run again when the budget moves.
let items = [];
// Each run has a number; one with an older number stops.
let latest = 0;
// So has each choice of pictures: decoding an older one may end later.
let picked = 0;
// Accuracy and cost of whole sample sets, by policy.
let measured = new Map();

start().catch(fail);

async function start() {
  runtime = await loadRuntime();
  manifest = await (await fetchFile("manifest.json")).json();
  if (![1, 2].includes(manifest.format)) {
    throw new Problem("The manifest is of a format unknown to this page.");
  }
  at("measure").textContent = new ExitRule(manifest).words;
  at("split").textContent = `On ${measuredOn()}`;
  at("model").textContent = `· ${manifest.name}`;
  offerVariants();
  await load(at("variant").value);
  // Pictures can be picked without them.
  samples = await loadSamples(manifest).catch(fail);
  if (samples) {
    at("run").textContent = `Run the ${samples.length} samples`;
    at("samples").hidden = false;
  }
  listen();
  at("controls").disabled = false;
  say(`Ready: pick a picture${samples ? " or run the samples" : ""}.`);
}

function offerVariants() {
  // What old exports lack is of phones; others run elsewhere.
  const names = Object.keys(manifest.variants).filter(
    (name) => (manifest.variants[name].runtime ?? "litert") === "litert",
  );
  const options = names.map((name) => element("option", {}, name));
  at("variant").replaceChildren(...options);
  at("variant").value = names.includes("float32") ? "float32" : names[0];
}

/** Load a variant in place of the present one. */
async function load(name) {
  stop();
  const loaded = await Chain.load(runtime, manifest, name);
  const policy = chain ? budget.name : manifest.default_policy;
  chain?.delete();
  chain = loaded;
  variant = manifest.variants[name];
  measured = new Map();
  const { words } = new ExitRule(manifest);
  const policies = sortedPolicies(variant, manifest.backbone_macs);
  budget.offer(policies, policy, measuredOn(), words);
  answers = new Answers(manifest);
  show();
}

/** Change over to the variant that the user chose, or stay. */
async function change({ target }) {
  const before = Object.keys(manifest.variants).find(
    (name) => manifest.variants[name] === variant,
  );
  at("controls").disabled = true;
  try {
    await load(target.value);
    warn("");
    again();
  } catch (error) {
    fail(error);
    target.value = before;
  }
  at("controls").disabled = false;
  target.focus();
}

function listen() {
  at("files").addEventListener("change", ({ target }) => {
    pick([...target.files]);
    // The same file, picked again, is a change then, too.
    target.value = "";
  });
  at("run").addEventListener("click", () => {
    picked += 1;
    run(samples);
  });
  at("stop").addEventListener("click", stop);
  at("variant").addEventListener("change", change);
  const drop = at("drop");
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    drop.classList.add("over");
  });
  document.addEventListener("dragleave", () => drop.classList.remove("over"));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    drop.classList.remove("over");
    pick([...event.dataTransfer.files]);
  });
  new ResizeObserver(show).observe(at("plot"));
}

async function pick(files) {
  if (at("controls").disabled) return;
  const number = ++picked;
  const found = [];
  const problems = [];
  for (const file of files) {
    try {
      const pixels = await fromFile(file, manifest.input);
      found.push({ name: file.name, pixels });
    } catch (error) {
      problems.push(sentence(error));
    }
  }
  if (number !== picked || at("controls").disabled) return;
  warn(problems.join(" "));
  if (found.length) await run(found);
}

function again() {
  if (items.length) run(items);
  else show();
}

async function run(wanted) {
  const number = ++latest;
  items = wanted;
  answers = new Answers(manifest);
  at("answers").replaceChildren();
  at("stop").disabled = false;
  at("progress").max = wanted.length;
  try {
    await answerAll(wanted, () => number !== latest);
  } catch (error) {
    fail(error);
  }
  if (number === latest) stop();
}

async function answerAll(wanted, stopped) {
  const thresholds = budget.thresholds(manifest.exits.length - 1);
  const { name } = budget;
  const alone = budget.policy?.alone;
  let shown = performance.now();
  let item, answer;
  for (item of wanted) {
    answer = await (alone
      ? chain.predictAlone(item.pixels, alone)
      : chain.predict(item.pixels, thresholds));
    if (stopped()) return forget(name);
    answers.add(answer, item.label);
    at("answers").append(card(item, answer, manifest));
    if (performance.now() - shown > 40) {
      present(item, answer);
      // The browser paints, and the user's next wish is heard.
      await new Promise((resume) => setTimeout(resume));
      if (stopped()) return forget(name);
      shown = performance.now();
    }
  }
  present(item, answer);
  const one = wanted.length === 1;
  say(one ? spoken(item, answer, manifest) : `Done. ${answers.sentence}`);
}

function present(item, answer) {
  at("last").replaceChildren(portrait(item, answer, manifest));
  at("progress").value = answers.count;
  if (answers.point) measured.set(budget.name, answers.point);
  show();
}

/** Drop the point of a run that was stopped: part of a set misleads. */
function forget(name) {
  // The run that took its place may have measured the same policy by now.
  const whole = answers.count === items.length;
  if (!whole || name !== budget.name) measured.delete(name);
  show();
}

function stop() {
  latest += 1;
  at("stop").disabled = true;
}

function show() {
  const points = allPoints();
  drawPlot(at("plot"), points, measuredOn());
  listPoints(at("points").tBodies[0], points);
  const rows = shareRows(answers, budget.policy);
  at("shares").tBodies[0].replaceChildren(...rows);
  at("summary").textContent = answers.sentence;
}

function allPoints() {
  const { name } = budget;
  const runs = [...measured].map(([label, point]) => ({
    kind: "run",
    label,
    current: label === name,
    ...point,
  }));
  return [...policyPoints(variant, manifest.backbone_macs, name), ...runs];
}

/** The split that the manifest's accuracies come from. */
function measuredOn() {
  return manifest.reported_on?.split ?? manifest.chosen_on;
}

function say(text) {
  at("status").textContent = text;
}

function warn(text) {
  at("problem").textContent = text;
  at("problem").hidden = !text;
}

function fail(error) {
  // Its cause is for who looks deeper; the sentence is for the user.
  console.warn(error);
  warn(sentence(error));
  if (!chain) say("The model could not be loaded.");
}
