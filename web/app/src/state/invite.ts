/** The link that brings others in. */
import { t } from '../i18n/t';
import { meetingLink, route } from './route';
import { toast } from './toasts';

/** Without the own token, which is nobody else's. */
export async function copyInvite(): Promise<void> {
  if (route.value.at !== 'meet') return;
  const link = meetingLink(route.value.roomId, route.value.secret);
  try {
    await navigator.clipboard.writeText(link);
    toast(t('meeting.copied'));
  } catch {
    toast(t('meeting.copyFailed', { link }));
  }
}
