/** As much of a browser's page as the state of a meeting needs. */
import { vi } from 'vitest';

class Kept {
  readonly #items = new Map<string, string>();
  getItem = (key: string): string | null => this.#items.get(key) ?? null;
  setItem = (key: string, value: string): void => void this.#items.set(key, value);
  removeItem = (key: string): void => void this.#items.delete(key);
}

export class FakePage extends EventTarget {
  readonly documentElement = { lang: '', dir: '', dataset: {} };
  hidden = false;

  hide(hidden: boolean): void {
    this.hidden = hidden;
    this.dispatchEvent(new Event('visibilitychange'));
  }
}

/** Puts it where modules look for it when they are loaded. */
export function fakePage(): FakePage {
  const page = new FakePage();
  vi.stubGlobal('document', page);
  vi.stubGlobal('localStorage', new Kept());
  vi.stubGlobal('sessionStorage', new Kept());
  vi.stubGlobal('location', new URL('http://server/meet/room_1'));
  vi.stubGlobal('navigator', { languages: ['en'] });
  vi.stubGlobal('HTMLMediaElement', class {});
  vi.stubGlobal('addEventListener', () => undefined);
  return page;
}
