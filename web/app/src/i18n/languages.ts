/** Which languages there are. English comes with the page; the others are loaded when somebody wants them. */

import type { Loaders } from './catalogue';

/** Each under its own name. */
export const LANGUAGES = { en: 'English', de: 'Deutsch', ar: 'العربية' } as const;

export type Language = keyof typeof LANGUAGES;

export const LOADERS: Loaders = {
  de: async () => (await import('./de.json')).default,
  ar: async () => (await import('./ar.json')).default,
};

export const isLanguage = (text: unknown): text is Language => typeof text === 'string' && Object.hasOwn(LANGUAGES, text);

export const directionOf = (language: Language): 'ltr' | 'rtl' => (language === 'ar' ? 'rtl' : 'ltr');

/** The first of the wished languages (BCP 47) that we speak. */
export function firstSpoken(wished: readonly string[]): Language {
  for (const tag of wished) {
    const primary = tag.toLowerCase().split('-')[0];
    if (isLanguage(primary)) return primary;
  }
  return 'en';
}
