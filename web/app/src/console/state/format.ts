/** How figures and moments are written. */
import { language } from '../words/t';

export { bytes } from '../../i18n/t';

export const moment = (at: string): string =>
  new Intl.DateTimeFormat(language(), { dateStyle: 'medium', timeStyle: 'medium' }).format(new Date(at));

export const timeOfDay = (at: string | number): string =>
  new Intl.DateTimeFormat(language(), { hour: 'numeric', minute: '2-digit', second: '2-digit' }).format(new Date(at));

export const figure = (value: number): string => new Intl.NumberFormat(language(), { maximumFractionDigits: 3 }).format(value);

/** RFC 4180, and no cell that a spreadsheet would take for a formula. */
export function csv(rows: readonly (readonly (string | number | null)[])[]): string {
  const cell = (value: string | number | null) => {
    const text = String(value ?? '');
    const tame = typeof value === 'string' && /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
  };
  return rows.map((row) => row.map(cell).join(',')).join('\r\n') + '\r\n';
}

/** Hands a text to the browser as a file. */
export function download(name: string, text: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}
