// Accuracy against cost, drawn by hand as SVG, and the same as a table.

import { drawing, element, millions, percent } from "./elements.js";

const HEIGHT = 300;
const EDGE = { left: 58, right: 14, top: 12, bottom: 44 };
const SHAPES = {
  // Told apart by form, not by colour alone.
  static: "M0-6L6 0L0 6L-6 0Z",
  policy: "M-5 0A5 5 0 1 1 5 0A5 5 0 1 1-5 0Z",
  run: "M-5-5H5V5H-5Z",
};
const NAMES = {
  static: "static model",
  policy: "policy",
  run: "samples run here",
};

/**
 * Draw points into an element, replacing what was there.
 * @param {Element} into the element; its width is the plot's.
 * @param {Array} points of {kind, label, macs, accuracy, current}.
 * @param {string} split that static model and policies were measured on.
 */
export function drawPlot(into, points, split) {
  const width = Math.max(into.clientWidth, 240);
  const x = scale(
    [0, Math.max(...points.map((point) => point.macs / 1e6)) * 1.06],
    [EDGE.left, width - EDGE.right],
  );
  const shares = points.map((point) => 100 * point.accuracy);
  const y = scale(around(shares), [HEIGHT - EDGE.bottom, EDGE.top]);
  const svg = drawing("svg", {
    role: "img",
    width,
    height: HEIGHT,
    "aria-label":
      "Accuracy in per cent against millions of multiply-adds an image; " +
      "the table below has the numbers.",
  });
  svg.append(...axes(x, y, width));
  // The present policy is drawn last, above the others.
  const ordered = [...points].sort((a, b) => !!a.current - !!b.current);
  svg.append(...ordered.flatMap((point) => mark(point, x, y, width)));
  into.replaceChildren(svg, legend(points, split));
}

/** Write the points into the body of a table. */
export function listPoints(body, points) {
  const rows = points.map(({ kind, label, macs, accuracy, current }) =>
    element(
      "tr",
      current ? { class: "current" } : {},
      element("th", { scope: "row" }, `${label} (${NAMES[kind]})`),
      element("td", {}, millions(macs)),
      element("td", {}, percent(accuracy, 1)),
    ),
  );
  body.replaceChildren(...rows);
}

function mark({ kind, label, macs, accuracy, current }, x, y, width) {
  const [left, top] = [x(macs / 1e6), y(100 * accuracy)];
  const text = `${label}: ${millions(macs)} MACs, ${percent(accuracy, 1)}`;
  const found = [
    drawing(
      "path",
      {
        class: `${kind}${current ? " current" : ""}`,
        d: SHAPES[kind],
        transform: `translate(${left} ${top})`,
      },
      drawing("title", {}, text),
    ),
  ];
  if (current) {
    const before = left > width / 2;
    found.push(
      drawing(
        "text",
        {
          class: "label",
          x: left + (before ? -11 : 11),
          // Beside its point, and of a run above: both may be in one place.
          y: kind === "run" ? top - 10 : top + 4,
          "text-anchor": before ? "end" : "start",
        },
        label,
      ),
    );
  }
  return found;
}

function axes(x, y, width) {
  const bottom = HEIGHT - EDGE.bottom;
  const found = [];
  for (const value of ticks(y.from)) {
    const at = { x1: EDGE.left, x2: width - EDGE.right, y1: y(value) };
    found.push(
      drawing("line", { class: "grid", ...at, y2: y(value) }),
      caption(EDGE.left - 8, y(value) + 4, "end", value),
    );
  }
  for (const value of ticks(x.from)) {
    found.push(caption(x(value), bottom + 18, "middle", value));
  }
  const middle = (EDGE.left + width - EDGE.right) / 2;
  const title = caption(0, 0, "middle", "accuracy, %");
  title.setAttribute(
    "transform",
    `translate(13 ${(bottom + EDGE.top) / 2}) rotate(-90)`,
  );
  const across = "multiply-adds an image, millions";
  return [...found, title, caption(middle, HEIGHT - 6, "middle", across)];
}

function caption(x, y, anchor, text) {
  return drawing("text", { x, y, "text-anchor": anchor }, String(text));
}

function legend(points, split) {
  const kinds = Object.keys(NAMES).filter((kind) =>
    points.some((point) => point.kind === kind),
  );
  const items = kinds.map((kind) =>
    element(
      "li",
      {},
      drawing(
        "svg",
        { width: 16, height: 16, viewBox: "-8 -8 16 16" },
        drawing("path", { class: kind, d: SHAPES[kind] }),
      ),
      kind === "run" ? NAMES.run : `${NAMES[kind]} (${split})`,
    ),
  );
  return element("ul", { class: "legend", "aria-hidden": "true" }, ...items);
}

function scale(from, to) {
  const slope = (to[1] - to[0]) / (from[1] - from[0] || 1);
  const found = (value) => to[0] + (value - from[0]) * slope;
  return Object.assign(found, { from });
}

/** A little more than the values span, within 0 and 100. */
function around(values) {
  const low = Math.min(...values);
  const high = Math.max(...values);
  const margin = Math.max((high - low) * 0.15, 1);
  return [Math.max(low - margin, 0), Math.min(high + margin, 100.5)];
}

/** Round numbers within a range, four to eight of them. */
function ticks([low, high]) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [5, 2, 1].find((size) => size * power <= rough) * power;
  const found = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) {
    found.push(Number((n * step).toPrecision(6)));
  }
  return found;
}
