/** How many words of a text are wrong, missing or too many in what was heard of it. */
export function errors(wanted, heard) {
  const words = heard.split(/\s+/).filter(Boolean);
  let row = Array.from({ length: words.length + 1 }, (_, n) => n);
  for (const [i, word] of wanted.split(/\s+/).filter(Boolean).entries()) {
    const next = [i + 1];
    for (const [j, other] of words.entries()) {
      next.push(Math.min(row[j + 1] + 1, next[j] + 1, row[j] + (word === other ? 0 : 1)));
    }
    row = next;
  }
  return row.at(-1);
}
