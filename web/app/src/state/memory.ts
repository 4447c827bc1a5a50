/** What the page remembers: of the person for good, of the meeting while the tab is open. */
import type { Pass } from '@calls/sdk';

const NAME = 'calls.name';
const DEVICES = 'calls.devices';
const USER = 'calls.user';

/** What a tab needs to be back where it was after a reload. */
export interface Stay {
  pass: Pass;
  name: string;
  microphone: boolean;
  camera: boolean;
}

export interface ChosenDevices {
  microphone?: string;
  camera?: string;
  speaker?: string;
}

/** The user of this tab: another tab is another person. */
export function userId(): string {
  const known = sessionStorage.getItem(USER);
  if (known) return known;
  const fresh = `guest-${randomText()}`;
  sessionStorage.setItem(USER, fresh);
  return fresh;
}

export const rememberedName = (): string => localStorage.getItem(NAME) ?? '';
export const rememberName = (name: string): void => localStorage.setItem(NAME, name);

export const chosenDevices = (): ChosenDevices => parse<ChosenDevices>(localStorage.getItem(DEVICES)) ?? {};
export const rememberDevices = (devices: ChosenDevices): void =>
  localStorage.setItem(DEVICES, JSON.stringify(devices));

export const stayIn = (roomId: string): Stay | null => parse<Stay>(sessionStorage.getItem(stayKey(roomId)));

export function rememberStay(roomId: string, stay: Stay | null): void {
  if (stay) sessionStorage.setItem(stayKey(roomId), JSON.stringify(stay));
  else sessionStorage.removeItem(stayKey(roomId));
}

const stayKey = (roomId: string): string => `calls.stay.${roomId}`;

/** `randomUUID` is for secure pages only; the landing page must not break on others. */
function randomText(): string {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

function parse<T>(json: string | null): T | null {
  try {
    return json === null ? null : (JSON.parse(json) as T);
  } catch {
    return null;
  }
}
