/** The person's devices, for lobby and meeting alike. */
import { LocalMedia, NO_DEVICES, watchDevices, type Background, type Devices, type LocalState, type UserDevice, type VoiceSettings } from '@calls/sdk';
import { signal } from '@preact/signals';
import { chosenDevices, rememberDevices } from './memory';
import { prefer, prefs } from './prefs';

export const local = new LocalMedia(chosenDevices(), prefs.value.voice, { background: prefs.value.background });
export const localState = signal<LocalState>(local.state);
export const devices = signal<Devices>(NO_DEVICES);
export const speaker = signal<string>(chosenDevices().speaker ?? '');

local.on('changed', (state) => {
  localState.value = state;
  refresh(); // names of devices appear with the first permission
});

let refresh: () => void = () => undefined;
refresh = watchDevices((found) => (devices.value = found));

/** Safari plays where the system says. */
export const canChooseSpeaker = 'setSinkId' in HTMLMediaElement.prototype;

export async function choose(device: UserDevice, id: string): Promise<void> {
  rememberDevices({ ...chosenDevices(), [device]: id });
  await local.choose(device, id);
}

export function chooseSpeaker(id: string): void {
  rememberDevices({ ...chosenDevices(), speaker: id });
  speaker.value = id;
}

/** Is seen so from now on, here and next time; a picture of one's own stays for as long as the page. */
export async function look(background: Background, picture: ImageBitmap | null = null): Promise<void> {
  prefer({ background });
  await local.show({ background, picture });
}

/** Sounds so from now on, here and next time. */
export async function sound(change: Partial<VoiceSettings>): Promise<void> {
  const voice = { ...prefs.value.voice, ...change };
  prefer({ voice });
  await local.sound(voice);
}
