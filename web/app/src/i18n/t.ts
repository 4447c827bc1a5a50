/** The words of the page. No text for people stands anywhere else. */
import { catalogue } from './catalogue';
import en from './en.json';
import { LOADERS } from './languages';

export const { language, speak, t, tn, has } = catalogue(en, LOADERS);

export function clock(at: string): string {
  return new Intl.DateTimeFormat(language(), { hour: 'numeric', minute: '2-digit' }).format(new Date(at));
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte'] as const;

/** A size as disks are sold. */
export function bytes(size: number): string {
  const power = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(1, size)) / 3));
  const unitDisplay = power === 0 ? 'long' : 'short'; // what is short of a byte has no plural
  const style = { style: 'unit', unit: UNITS[power], unitDisplay, maximumFractionDigits: 1 } as const;
  return new Intl.NumberFormat(language(), style).format(size / 1000 ** power);
}
