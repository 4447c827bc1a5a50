/** What the page remembers: of the person for good, of the meeting while the tab is open. */
import type { Pass } from '@calls/sdk';
import type { Kept } from './consent';
import { Identity } from './identity';

const NAME = 'calls.name';
const DEVICES = 'calls.devices';
const NOTICED = 'calls.noticed';

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

export const identity = new Identity({
  browser: localStorage,
  tab: sessionStorage,
  locks: (navigator as { locks?: LockManager }).locks,
});

export const rememberedName = (): string => localStorage.getItem(NAME) ?? '';
export const rememberName = (name: string): void => localStorage.setItem(NAME, name);

export const chosenDevices = (): ChosenDevices => parse<ChosenDevices>(localStorage.getItem(DEVICES)) ?? {};
export const rememberDevices = (devices: ChosenDevices): void =>
  localStorage.setItem(DEVICES, JSON.stringify(devices));

export const stayIn = (roomId: string): Stay | null => parse<Stay>(sessionStorage.getItem(stayKey(roomId)));

export const rememberStay = (roomId: string, stay: Stay | null): void =>
  keepInTab(stayKey(roomId), stay && JSON.stringify(stay));

/** The password that opened the room, or was given to it. */
export const passwordOf = (roomId: string): string => sessionStorage.getItem(passwordKey(roomId)) ?? '';
export const rememberPassword = (roomId: string, password: string): void =>
  keepInTab(passwordKey(roomId), password || null);

/** What of a call's keeping the person has taken note of, in this tab. */
export function noticedIn(call: string): readonly Kept[] {
  const noticed = parse<{ call: string; kept: Kept[] }>(sessionStorage.getItem(NOTICED));
  return noticed?.call === call ? noticed.kept : [];
}
export const rememberNoticed = (call: string, kept: readonly Kept[]): void => keepInTab(NOTICED, JSON.stringify({ call, kept }));

const stayKey = (roomId: string): string => `calls.stay.${roomId}`;
const passwordKey = (roomId: string): string => `calls.password.${roomId}`;

function keepInTab(key: string, value: string | null): void {
  if (value === null) sessionStorage.removeItem(key);
  else sessionStorage.setItem(key, value);
}

function parse<T>(json: string | null): T | null {
  try {
    return json === null ? null : (JSON.parse(json) as T);
  } catch {
    return null;
  }
}
