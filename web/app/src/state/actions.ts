/** What the controls of a meeting do. */
import { CallsClient, CaptureError } from '@calls/sdk';
import { t } from '../i18n/t';
import { attempt } from './announce';
import { detailOf } from './detail';
import { deviceHelp } from './device-help';
import { local } from './devices';
import type { MeetingStore } from './meeting-store';
import { toast } from './toasts';

export interface Actions {
  microphone(): void;
  camera(): void;
  share(): void;
  hand(): void;
  chat(): void;
  people(): void;
  shortcuts(): void;
  record(): void;
  leave(): void;
  /** For everybody. */
  end(): void;
}

export function actionsOf(store: MeetingStore): Actions {
  return {
    microphone: () => void turn('microphone'),
    camera: () => void turn('camera'),
    share: () => void share(),
    hand: () => attempt(store.meeting.raiseHand(!store.self.value?.hand)),
    chat: () => store.toggle('chat'),
    people: () => store.toggle('people'),
    shortcuts: () => (store.dialog.value = 'shortcuts'),
    record: () => attempt(store.meeting.record(store.recording.value === 'off')),
    leave: () => void store.meeting.leave(),
    end: () => attempt(end(store)),
  };
}

/** The server tells everybody, us too. */
async function end({ meeting, call }: MeetingStore): Promise<void> {
  if (call.value) await new CallsClient({ key: meeting.pass?.token ?? null }).endCall(call.value.call_id);
}

async function turn(device: 'microphone' | 'camera'): Promise<void> {
  await local.turn(device, !local.state[device].on);
  const { failure } = local.state[device];
  if (failure) toast(deviceHelp(device, failure), { tone: 'bad' });
}

async function share(): Promise<void> {
  if (local.state.screen.on) return local.stopSharing();
  try {
    await local.shareScreen();
  } catch (error) {
    if (error instanceof CaptureError && error.failure === 'canceled') return;
    toast(t('meeting.shareFailed', { detail: detailOf(error) }), { tone: 'bad' });
  }
}
