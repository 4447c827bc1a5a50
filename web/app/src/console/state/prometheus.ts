/** The little of Prometheus's text format that the server writes. */
export interface Sample {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export function parse(text: string): Sample[] {
  return text.split('\n').flatMap((row): Sample[] => {
    const found = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(row);
    if (!found) return [];
    const [, name = '', labels = '', value = ''] = found;
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, key = '', said = '']) => [key, said] as const);
    return [{ name, labels: Object.fromEntries(pairs), value: Number(value) }];
  });
}

/** Of all that have these labels together; null where the server does not tell it. */
export function total(samples: readonly Sample[], name: string, labels: Record<string, string> = {}): number | null {
  const wanted = Object.entries(labels);
  const found = samples.filter((sample) => sample.name === name && wanted.every(([key, value]) => sample.labels[key] === value));
  return found.length > 0 ? found.reduce((sum, { value }) => sum + value, 0) : null;
}
