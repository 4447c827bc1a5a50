/** The words of the console. No text for people stands anywhere else. */
import { catalogue } from '../../i18n/catalogue';
import en from './en.json';

export type Key = keyof typeof en;

export const { language, speak, t, tn, has } = catalogue(en, {
  de: async () => (await import('./de.json')).default,
  ar: async () => (await import('./ar.json')).default,
});

/** What the server says, in words where there are some. */
export function said(group: string, word: string): string {
  const key = `${group}.${word}`;
  return has(key) ? t(key) : word;
}
