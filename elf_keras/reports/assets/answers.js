// What a dynamic model answers at thresholds, from the embedded answers.

/** Unpack a run's answers; rejects where the browser cannot. */
async function unpack(record) {
  const packed = Uint8Array.from(atob(record.packed), (c) => c.charCodeAt(0));
  const stream = new Blob([packed])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const buffer = await new Response(stream).arrayBuffer();
  const { images, exits } = record;
  const early = images * (exits - 1);
  return {
    certainty: new Float32Array(buffer, 0, early),
    classes: new Uint16Array(buffer, 4 * early, images * exits),
    labels: new Uint16Array(buffer, 4 * early + 2 * images * exits, images),
  };
}

/**
 * Score a run at thresholds, as `evaluation.Scorer.dynamic` does.
 * @param {object} record as `slider.record` makes it.
 * @param {object} answers of `unpack`.
 * @param {Array} limits s of each early exit, null: nobody leaves there.
 */
function scoresAt(record, answers, limits) {
  const { images, exits } = record;
  // Rounded as the exit rule rounds them: to the type of the certainties.
  const above = limits.map((s) => (s === null ? Infinity : Math.fround(s)));
  const taken = new Uint8Array(images).fill(exits - 1);
  for (let image = 0; image < images; image++) {
    for (let k = 0; k < exits - 1; k++) {
      if (answers.certainty[k * images + image] > above[k]) {
        taken[image] = k;
        break;
      }
    }
  }
  return { taken, ...means(record, answers, taken) };
}

/** Means over classes, in all and by shot group. */
function means(record, answers, taken) {
  const { images, exits, names, groups } = record;
  const count = new Float64Array(names.length);
  const right = new Float64Array(names.length);
  for (let image = 0; image < images; image++) {
    const label = answers.labels[image];
    count[label] += 1;
    right[label] += isRight(answers, images, taken, image);
  }
  const prior = record.prior ?? names.map(() => 1);
  const present = (label) => count[label] > 0;
  const total = sum(names.map((_, c) => (present(c) ? prior[c] : 0)));
  const cells = Array.from({ length: exits }, () =>
    Array.from({ length: 4 }, () => ({ share: 0, right: 0 })),
  );
  const mass = [0, 0, 0];
  for (let image = 0; image < images; image++) {
    const label = answers.labels[image];
    const weight = prior[label] / count[label] / total;
    const good = weight * isRight(answers, images, taken, image);
    mass[groups[label]] += weight;
    for (const column of [groups[label], 3]) {
      cells[taken[image]][column].share += weight;
      cells[taken[image]][column].right += good;
    }
  }
  const shares = cells.map((row) => row[3].share);
  const cost = (costs) => sum(shares.map((share, k) => share * costs[k]));
  return {
    accuracy: sum(cells.map((row) => row[3].right)),
    groups: mass.map((_, g) => groupMean(g, groups, count, right)),
    macs: cost(record.macs),
    saving_with_heads: 1 - cost(record.macs) / record.backbone,
    saving_without_heads: 1 - cost(record.bare) / record.backbone,
    composition: cells.map((row) =>
      mass.map((whole, g) => ({
        share: whole ? row[g].share / whole : 0,
        accuracy: row[g].share ? row[g].right / row[g].share : null,
      })),
    ),
  };
}

function isRight(answers, images, taken, image) {
  const answer = answers.classes[taken[image] * images + image];
  return answer === answers.labels[image] ? 1 : 0;
}

/** Mean of the class accuracies of a shot group; null without images. */
function groupMean(group, groups, count, right) {
  const own = groups
    .map((g, label) => (g === group && count[label] ? label : -1))
    .filter((label) => label >= 0);
  if (!own.length) return null;
  return sum(own.map((label) => right[label] / count[label])) / own.length;
}

function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}
