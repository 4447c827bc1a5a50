/** Which screen is shown: the address says it all, filters too, so that it can be sent to somebody. */
import { computed, signal } from '@preact/signals';

const BASE = '/console';

export const SCREENS = ['live', 'calls', 'recordings', 'rooms', 'webhooks', 'keys', 'audit', 'server'] as const;
export type Screen = (typeof SCREENS)[number];

export interface Place {
  screen: Screen;
  /** What of that screen: an id. */
  id: string | null;
  query: URLSearchParams;
}

const address = signal(location.pathname + location.search);
addEventListener('popstate', () => (address.value = location.pathname + location.search));

export const place = computed<Place>(() => {
  const url = new URL(address.value, location.origin);
  const [screen, id] = url.pathname.slice(BASE.length).split('/').filter(Boolean);
  const known = SCREENS.find((name) => name === screen) ?? 'live';
  return { screen: known, id: id ?? null, query: url.searchParams };
});

export function pathOf(screen: Screen, id?: string, query?: URLSearchParams): string {
  const path = [BASE, ...(screen === 'live' ? [] : [screen]), ...(id ? [encodeURIComponent(id)] : [])].join('/');
  return query?.size ? `${path}?${query}` : path;
}

export function go(path: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') history.pushState(null, '', path);
  else history.replaceState(null, '', path);
  address.value = path;
}

/** For links: a plain click stays in the page, any other is the browser's. */
export function follow(event: MouseEvent): void {
  const link = (event.currentTarget as HTMLAnchorElement).href;
  if (event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  const url = new URL(link);
  go(url.pathname + url.search);
}
