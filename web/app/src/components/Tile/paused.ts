/** Why a picture that should move does not, in words. */
import type { Picture } from '@calls/sdk';
import { t } from '../../i18n/t';

export function pausedText(paused: Picture['paused']): string | null {
  switch (paused) {
    case 'bandwidth':
      return t('paused.bandwidth');
    case 'codec':
      return t('paused.codec');
    case 'key':
      return t('paused.key');
    case 'muted':
      return t('paused.muted');
    case 'hidden': // not on screen, so nobody reads it
    case null:
      return null;
  }
}
