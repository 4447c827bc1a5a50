const split = (text) => text.split(/\s+/).filter(Boolean);

/**
 * How what was heard lies in what is said over and over: for each word of it the place of what it was taken from, if it is
 * that word. It may begin and end anywhere. `wanted` are the words of one round.
 */
export function align(wanted, heard) {
  const rounds = Math.ceil(heard.length / wanted.length) + 2;
  const said = Array.from({ length: rounds * wanted.length }, (_, at) => wanted[at % wanted.length]);
  // costs[i][j]: the first j words heard, up to the i-th word said. What is said before the first of them costs nothing.
  const costs = [Array.from({ length: heard.length + 1 }, (_, j) => j)];
  for (const [i, word] of said.entries()) {
    const row = [0];
    for (const [j, other] of heard.entries()) {
      row.push(Math.min(costs[i][j] + (word === other ? 0 : 1), costs[i][j + 1] + 1, row[j] + 1));
    }
    costs.push(row);
  }
  let j = heard.length;
  let i = costs.reduce((best, row, at) => (row[j] < costs[best][j] ? at : best), 0);
  const steps = [];
  while (j > 0) {
    const cost = costs[i][j];
    const same = i > 0 && said[i - 1] === heard[j - 1];
    if (i > 0 && cost === costs[i - 1][j - 1] + (same ? 0 : 1)) {
      i -= 1;
      j -= 1;
      steps.unshift({ said: i, heard: j, wrong: !same });
    } else if (i > 0 && cost === costs[i - 1][j] + 1) {
      i -= 1;
      steps.unshift({ said: i, wrong: true });
    } else {
      j -= 1;
      steps.unshift({ said: i, heard: j, added: true, wrong: true });
    }
  }
  return steps.map((step) => ({ ...step, place: step.said % wanted.length }));
}

/** How many of the words said, of those that `counts` by their place in a round, are wrong, missing or too many; and of how many. */
export function wrongOf(steps, counts = () => true) {
  const counted = steps.filter(({ place }) => counts(place));
  return { wrong: counted.filter(({ wrong }) => wrong).length, words: counted.filter(({ added }) => !added).length };
}

export { split };
