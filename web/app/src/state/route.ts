/** Where in the app we are: its only two kinds of address. */
import { signal } from '@preact/signals';

export type Route = { at: 'landing' } | { at: 'meet'; roomId: string; token: string | null };

export const route = signal<Route>(read());

addEventListener('popstate', () => (route.value = read()));
addEventListener('hashchange', () => (route.value = read()));

export function go(path: string): void {
  history.pushState(null, '', path);
  route.value = read();
}

export const meetingPath = (roomId: string): string => `/meet/${roomId}`;
export const meetingLink = (roomId: string): string => location.origin + meetingPath(roomId);

function read(): Route {
  const roomId = /^\/meet\/(room_[a-z0-9]{1,64})\/?$/.exec(location.pathname)?.[1];
  if (!roomId) return { at: 'landing' };
  return { at: 'meet', roomId, token: new URLSearchParams(location.hash.slice(1)).get('token') };
}
