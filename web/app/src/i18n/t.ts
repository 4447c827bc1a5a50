/** The words of the page. No text for people stands anywhere else. */
import { signal } from '@preact/signals';
import en from './en.json';
import { LOADERS, type Language, directionOf } from './languages';

export type Key = keyof typeof en;

/** Keys that have one form for each plural category of their language (CLDR, as `Intl.PluralRules` names them). */
export type PluralKey = Key extends infer K ? (K extends `${infer Base}_other` ? Base : never) : never;

type Values = Readonly<Record<string, string | number>>;
type Catalogue = Readonly<Record<string, string>>;

interface Speech {
  language: Language;
  words: Catalogue;
  plurals: Intl.PluralRules;
  numbers: Intl.NumberFormat;
}

const speechOf = (language: Language, words: Catalogue): Speech => ({
  language,
  words,
  plurals: new Intl.PluralRules(language),
  numbers: new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
});

/** A signal, so that whatever shows words shows them anew when the language changes. */
const speech = signal<Speech>(speechOf('en', en));

export const language = (): Language => speech.value.language;

/** Speaks another language from now on; stays as it is where that one cannot be loaded. */
export async function speak(wanted: Language): Promise<void> {
  const words = wanted === 'en' ? en : await LOADERS[wanted]().catch(() => null);
  if (!words) return;
  speech.value = speechOf(wanted, words);
  document.documentElement.lang = wanted;
  document.documentElement.dir = directionOf(wanted);
}

export function t(key: Key, values: Values = {}): string {
  return fill(speech.value.words[key] ?? en[key], values);
}

/** The form that this number takes. */
export function tn(key: PluralKey, count: number, values: Values = {}): string {
  const { words, plurals } = speech.value;
  const text = words[`${key}_${plurals.select(count)}`] ?? words[`${key}_other`] ?? en[`${key}_other` as Key];
  return fill(text, { count, ...values });
}

/** For keys that are put together from what the server says. */
export function has(key: string): key is Key {
  return Object.hasOwn(en, key);
}

export function clock(at: string): string {
  return new Intl.DateTimeFormat(language(), { hour: '2-digit', minute: '2-digit' }).format(new Date(at));
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size as disks are sold. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const style = { style: 'unit', unit: UNITS[power], maximumFractionDigits: power > 1 ? 1 : 0 } as const;
  return new Intl.NumberFormat(language(), style).format(size / 1000 ** power);
}

function fill(text: string, values: Values): string {
  const { numbers } = speech.value;
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return typeof value === 'number' ? numbers.format(value) : (value ?? whole);
  });
}
