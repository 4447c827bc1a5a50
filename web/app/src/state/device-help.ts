/** What a person can do about a device that does not open. */
import type { CaptureFailure, UserDevice } from '@calls/sdk';
import { t } from '../i18n/t';

export function deviceHelp(device: UserDevice, failure: CaptureFailure): string {
  const name = t(`device.${device}`).toLocaleLowerCase();
  const known = failure === 'canceled' ? 'denied' : failure;
  return t(`device.${known}`, { device: name });
}
