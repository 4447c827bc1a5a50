/** The words of the page. No text for people stands anywhere else. */
import en from './en.json';

export type Key = keyof typeof en;

/** Keys that have one form for each plural category. */
export type PluralKey = Key extends infer K ? (K extends `${infer Base}_other` ? Base : never) : never;

const LANGUAGE = 'en';
const plurals = new Intl.PluralRules(LANGUAGE);

type Values = Readonly<Record<string, string | number>>;

export function t(key: Key, values: Values = {}): string {
  return fill(en[key], values);
}

/** The form that this number takes. */
export function tn(key: PluralKey, count: number, values: Values = {}): string {
  const form = `${key}_${plurals.select(count)}`;
  const text = has(form) ? en[form] : en[`${key}_other` as Key];
  return fill(text, { count, ...values });
}

/** For keys that are put together from what the server says. */
export function has(key: string): key is Key {
  return Object.hasOwn(en, key);
}

export function clock(at: string): string {
  return new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}

function fill(text: string, values: Values): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}
