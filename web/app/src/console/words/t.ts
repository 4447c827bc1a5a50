/** The words of the console. No text for people stands anywhere else. */
import en from './en.json';

export type Key = keyof typeof en;
type PluralKey = Key extends infer K ? (K extends `${infer Base}_other` ? Base : never) : never;
type Values = Readonly<Record<string, string | number>>;

const plurals = new Intl.PluralRules('en');

export const has = (key: string): key is Key => Object.hasOwn(en, key);

export function t(key: Key, values: Values = {}): string {
  return en[key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** The form that this number takes. */
export function tn(key: PluralKey, count: number): string {
  const form = `${key}_${plurals.select(count)}`;
  return t(has(form) ? form : (`${key}_other` as Key), { count });
}

/** What the server says, in words where there are some. */
export function said(group: string, word: string): string {
  const key = `${group}.${word}`;
  return has(key) ? t(key) : word;
}
