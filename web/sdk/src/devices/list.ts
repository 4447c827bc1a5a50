/** Which devices there are. */

export interface Device {
  id: string;
  label: string;
}

export interface Devices {
  microphones: Device[];
  cameras: Device[];
  speakers: Device[];
}

export const NO_DEVICES: Devices = { microphones: [], cameras: [], speakers: [] };

/** Sorted by kind. Until a permission was given, browsers name none, and unnamed ones are left out. */
export function sortDevices(infos: readonly Pick<MediaDeviceInfo, 'kind' | 'deviceId' | 'label'>[]): Devices {
  const of = (kind: MediaDeviceKind) =>
    infos
      .filter((info) => info.kind === kind && info.deviceId !== '' && info.label !== '')
      .map(({ deviceId, label }) => ({ id: deviceId, label }));
  return { microphones: of('audioinput'), cameras: of('videoinput'), speakers: of('audiooutput') };
}

/** Tells the devices now and whenever one is plugged in or out; the returned function stops it. */
export function watchDevices(tell: (devices: Devices) => void): () => void {
  const media = globalThis.navigator?.mediaDevices;
  if (!media) return () => undefined;
  const look = () => void media.enumerateDevices().then((infos) => tell(sortDevices(infos)));
  look();
  media.addEventListener('devicechange', look);
  return () => media.removeEventListener('devicechange', look);
}
