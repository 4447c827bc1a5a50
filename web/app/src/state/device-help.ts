/** What a person can do about a device that does not open. */
import type { CaptureFailure, UserDevice } from '@calls/sdk';
import { has, t } from '../i18n/t';

export function deviceHelp(device: UserDevice, failure: CaptureFailure): string {
  const name = t(`device.${device}`).toLocaleLowerCase();
  return t(`device.${known(failure)}`, { device: name });
}

/** What is the matter with either of them, said once where it is the same with both. */
export function devicesHelp(failures: Record<UserDevice, CaptureFailure | null>): readonly string[] {
  const { microphone, camera } = failures;
  if (microphone && microphone === camera) {
    const both = `device.both.${known(microphone)}`;
    if (has(both)) return [t(both)];
  }
  return [microphone && deviceHelp('microphone', microphone), camera && deviceHelp('camera', camera)].filter((text) => text !== null);
}

/** The browser, or the person, does not let us. */
export const isDenied = ({ failure }: { failure: CaptureFailure | null }): boolean => failure !== null && known(failure) === 'denied';

const known = (failure: CaptureFailure) => (failure === 'canceled' ? 'denied' : failure);
