// When an image leaves, as in elf_keras/exits/exit_rule.py: at the first exit
// whose certainty is above its threshold, else at the last. Steps are rounded
// to float32, so that the same images leave here as there; but sums are not,
// which one after the other would lose small terms of many classes. NumPy sums
// in pairs.

/** Largest class probability: 1 / Σ exp(z - max z), in (0, 1]. */
export function confidence(scores) {
  const largest = Math.max(...scores);
  let sum = 0;
  for (const score of scores) {
    const above = Math.fround(score - largest);
    sum += Math.fround(Math.exp(above));
  }
  return Math.fround(1 / Math.fround(sum));
}

/** Whether an image leaves; the threshold null means that none ever does. */
export function leaves(certainty, threshold) {
  return threshold !== null && certainty > Math.fround(threshold);
}

/** Index of the largest score, the first of equals. */
export function largest(scores) {
  return scores.indexOf(Math.max(...scores));
}

/** Probability of a class after calibration: softmax(z / temperature). */
export function calibrated(scores, temperature, index) {
  const largest = Math.max(...scores);
  let sum = 0;
  for (const score of scores) {
    sum += Math.exp((score - largest) / temperature);
  }
  return Math.exp((scores[index] - largest) / temperature) / sum;
}
