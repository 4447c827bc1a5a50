/** Where in the app we are: its only two kinds of address. */
import { signal } from '@preact/signals';

export type Route = { at: 'landing' } | { at: 'meet'; roomId: string; token: string | null; secret: string | null };

export const route = signal<Route>(read());

addEventListener('popstate', () => (route.value = read()));
addEventListener('hashchange', () => (route.value = read()));

export function go(path: string): void {
  history.pushState(null, '', path);
  route.value = read();
}

export const meetingPath = (roomId: string): string => `/meet/${roomId}`;
/** What encrypts a meeting stands behind the `#`, which no browser tells a server. */
export const withSecret = (path: string, secret: string | null): string => (secret ? `${path}#key=${secret}` : path);
export const meetingLink = (roomId: string, secret: string | null): string =>
  location.origin + withSecret(meetingPath(roomId), secret);

/** Another visit for another link: the right one may be pasted over one that lacked the key. */
export const visitKey = ({ roomId, token, secret }: Extract<Route, { at: 'meet' }>): string => JSON.stringify([roomId, token, secret]);

function read(): Route {
  const roomId = /^\/meet\/(room_[a-z0-9]{1,64})\/?$/.exec(location.pathname)?.[1];
  if (!roomId) return { at: 'landing' };
  const fragment = new URLSearchParams(location.hash.slice(1));
  return { at: 'meet', roomId, token: fragment.get('token'), secret: fragment.get('key') };
}
