// Sliders, galleries, and one run at a time.

const GROUPS = ["many", "medium", "few"];

for (const section of document.querySelectorAll("section.run")) {
  walkThrough(section);
  const embedded = section.querySelector("script.answers");
  if (embedded) start(section, JSON.parse(embedded.textContent));
}
pickRuns();

async function start(section, record) {
  try {
    const answers = await unpack(record);
    control(section, record, answers);
  } catch (error) {
    const stuck = section.querySelector(".stuck");
    stuck.hidden = false;
    stuck.textContent =
      "This browser cannot unpack the embedded answers " +
      `(${error.message}), so the threshold cannot be moved; Chrome 80, ` +
      "Firefox 113, Safari 16.4 and later versions can.";
  }
}

function control(section, record, answers) {
  const slider = section.querySelector(".slider");
  const own = section.querySelector(".own");
  const policy = section.querySelector(".policy");
  slider.max = record.slider.length - 1;
  policy.append(new Option("none", ""));
  for (const name of Object.keys(record.policies)) policy.append(new Option(name));
  const show = (limits) => {
    const shared = new Set(limits).size === 1 ? limits[0] : undefined;
    if (shared !== undefined) slider.value = nearest(record.slider, shared);
    const text = written(limits);
    const found = scoresAt(record, answers, limits);
    draw(section, record, answers, found, text);
    slider.setAttribute("aria-valuetext", section.dataset.said);
  };
  const shared = (s) => show(Array(record.exits - 1).fill(s));
  slider.addEventListener("input", () => {
    const s = record.slider[slider.value];
    own.value = Number(s.toPrecision(6));
    policy.value = "";
    shared(s);
  });
  own.addEventListener("input", () => {
    if (!own.validity.valid || own.value === "") return;
    policy.value = "";
    shared(Number(own.value));
  });
  policy.addEventListener("change", () => {
    if (!policy.value) return;
    own.value = "";
    show(record.policies[policy.value]);
  });
  show(record.start);
  section.querySelector(".controls").hidden = false;
  section.dataset.ready = "true";
}

function draw(section, record, answers, found, text) {
  const values = { ...found };
  GROUPS.forEach((name, g) => (values[name] = found.groups[g]));
  for (const cell of section.querySelectorAll("output[data-key]")) {
    const key = cell.dataset.key;
    cell.dataset.value = values[key];
    cell.textContent =
      key === "macs" ? count(values[key]) : percent(values[key], 1);
  }
  section.querySelector("output.s").textContent = text;
  for (const cell of section.querySelectorAll(".composition [data-exit]")) {
    const g = GROUPS.indexOf(cell.dataset.group);
    const { share, accuracy } = found.composition[cell.dataset.exit - 1][g];
    cell.dataset.share = share;
    cell.dataset.accuracy = accuracy;
    cell.querySelector("i").style.width = `${100 * share}%`;
    cell.querySelector("b").textContent = `${few(share)} leave`;
    cell.querySelector("small").textContent =
      accuracy === null ? "–" : `${percent(accuracy, 0)} correct`;
  }
  moveImages(section, record, answers, found);
  const saved = found.saving_with_heads;
  const said =
    `s = ${text}: ${percent(found.accuracy, 1)} correct, ` +
    `${percent(Math.abs(saved), 1)} of the multiply-adds ` +
    (saved < 0 ? "more than the backbone alone" : "saved");
  section.dataset.said = said;
  section.querySelector(".said").textContent = said;
}

function moveImages(section, record, answers, found) {
  const focused = document.activeElement;
  for (const image of section.querySelectorAll(".gallery img")) {
    const index = Number(image.dataset.index);
    const k = found.taken[index];
    const answer = answers.classes[k * record.images + index];
    const label = answers.labels[index];
    const block = image.closest(".gallery > div");
    const row = block.querySelector(`.exit[data-exit="${k + 1}"]`);
    if (image.parentElement !== row) row.append(image);
    image.className = answer === label ? "right" : "wrong";
    const sure = answers.certainty[k * record.images + index];
    image.title = image.alt =
      `${record.names[label]}: answered ${record.names[answer]} at exit ` +
      `${k + 1}` +
      (k < record.exits - 1 ? `, ${record.rule} ${short(sure)}` : "");
  }
  if (section.contains(focused)) focused.focus({ preventScroll: true });
}

/** One tab stop for a gallery; arrow keys go from image to image. */
function walkThrough(section) {
  const gallery = section.querySelector(".gallery");
  if (!gallery) return;
  const told = section.querySelector(".answer");
  const tell = (event) => {
    if (event.target.tagName === "IMG") told.textContent = event.target.alt;
  };
  gallery.addEventListener("mouseover", tell);
  gallery.addEventListener("focusin", tell);
  const first = gallery.querySelector("img");
  if (first) first.tabIndex = 0;
  gallery.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
    const images = [...gallery.querySelectorAll("img")];
    const at = images.indexOf(event.target);
    const next = images[at + step[event.key]];
    if (at < 0 || !next) return;
    event.preventDefault();
    event.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
  });
}

function pickRuns() {
  const picker = document.querySelector(".picker");
  if (!picker) return;
  const show = (number) => {
    for (const section of document.querySelectorAll("section.run")) {
      section.hidden = section.dataset.run !== number;
    }
    for (const parts of document.querySelectorAll(".contents [data-of]")) {
      parts.hidden = parts.dataset.of !== number;
    }
    for (const button of picker.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", button.dataset.show === number);
    }
  };
  picker.addEventListener("click", (event) => {
    if (event.target.dataset.show) show(event.target.dataset.show);
  });
  for (const link of document.querySelectorAll(".contents [data-opens]")) {
    // Before the browser looks for what it leads to.
    link.addEventListener("click", () => show(link.dataset.opens));
  }
  picker.hidden = false;
  // An address may lead to a part of another run.
  const place = document.getElementById(named(location.hash));
  show(place?.closest("section.run")?.dataset.run ?? "1");
  place?.scrollIntoView();
}

/** What an address leads to; one that somebody cut off may not be readable. */
function named(hash) {
  try {
    return decodeURIComponent(hash.slice(1));
  } catch {
    return "";
  }
}

/** Place of the largest slider value that is not above s. */
function nearest(values, s) {
  if (s === null) return values.length - 1;
  const above = values.findIndex((value) => value > Math.fround(s));
  return Math.max(0, (above < 0 ? values.length : above) - 1);
}

function written(limits) {
  const texts = limits.map((s) => (s === null ? "never" : short(s)));
  return new Set(texts).size === 1 ? texts[0] : texts.join(", ");
}

function short(value) {
  let digits = 3;
  // 0.9998 is not 1, which nobody exceeds.
  while (value < 1 && Number(value.toPrecision(digits)) >= 1) digits += 1;
  return String(Number(value.toPrecision(digits)));
}

function percent(value, digits) {
  if (value === null || value === undefined) return "–";
  // Sums in another order must not differ in what is read.
  const text = Number((100 * value).toFixed(9)).toFixed(digits);
  return `${Number(text) === 0 ? text.replace("-", "") : text}\u00a0%`;
}

/** In whole percent, but telling nobody from hardly anybody. */
function few(share) {
  return share > 0 && share < 0.005 ? "<\u20091\u00a0%" : percent(share, 0);
}

function count(value) {
  const units = [
    [1e9, " billion"],
    [1e6, " million"],
    [1e3, " thousand"],
  ];
  const [unit, name] = units.find(([size]) => value >= size) ?? [1, ""];
  return short(value / unit) + name;
}
