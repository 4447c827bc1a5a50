/** Words in several languages: the first one is there at once, the others come when they are wanted. */
import { signal } from '@preact/signals';
import { directionOf, type Language } from './languages';

export type Values = Readonly<Record<string, string | number>>;
export type Words = Readonly<Record<string, string>>;
export type Loaders = Readonly<Record<Exclude<Language, 'en'>, () => Promise<Words>>>;

/** Keys that have one form for each plural category of their language (CLDR, as `Intl.PluralRules` names them). */
export type PluralOf<Key> = Key extends `${infer Base}_other` ? Base : never;

interface Speech {
  language: Language;
  words: Words;
  plurals: Intl.PluralRules;
  numbers: Intl.NumberFormat;
}

/** Letters that run against a language of the one direction or the other. */
const AGAINST = { ltr: /[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc]/, rtl: /[A-Za-z\u00c0-\u052f]/ };

/** A name that runs the other way does not carry the marks around it along (Unicode TR 9: FSI, PDI). */
const isolated = (value: string, language: Language): string =>
  AGAINST[directionOf(language)].test(value) ? `\u2068${value}\u2069` : value;

const speechOf = (language: Language, words: Words): Speech => ({
  language,
  words,
  plurals: new Intl.PluralRules(language),
  numbers: new Intl.NumberFormat(language, { maximumFractionDigits: 1 }),
});

export function catalogue<En extends Words>(en: En, loaders: Loaders) {
  type Key = keyof En & string;
  /** A signal, so that whatever shows words shows them anew when the language changes. */
  const speech = signal<Speech>(speechOf('en', en));

  const fill = (text: string, values: Values): string => {
    const { numbers, language } = speech.value;
    return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) return whole;
      return typeof value === 'number' ? numbers.format(value) : isolated(value, language);
    });
  };

  return {
    language: (): Language => speech.value.language,

    /** Speaks another language from now on; stays as it is where that one cannot be loaded. */
    async speak(wanted: Language): Promise<void> {
      const words = wanted === 'en' ? en : await loaders[wanted]().catch(() => null);
      if (!words) return;
      speech.value = speechOf(wanted, words);
      document.documentElement.lang = wanted;
      document.documentElement.dir = directionOf(wanted);
    },

    t: (key: Key, values: Values = {}): string => fill(speech.value.words[key] ?? en[key] ?? key, values),

    /** The form that this number takes. */
    tn(key: PluralOf<Key>, count: number, values: Values = {}): string {
      const { words, plurals } = speech.value;
      const text = words[`${key}_${plurals.select(count)}`] ?? words[`${key}_other`] ?? en[`${key}_other`] ?? key;
      return fill(text, { count, ...values });
    },

    /** For keys that are put together from what the server says. */
    has: (key: string): key is Key => Object.hasOwn(en, key),
  };
}
