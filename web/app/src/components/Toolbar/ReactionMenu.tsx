/** A sign for a moment, without a word. */
import { t } from '../../i18n/t';
import { attempt } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { REACTIONS } from '../../state/reactions';
import { IconButton } from '../Button/Button';
import { Menu } from '../Menu/Menu';

export const REACT = 'menu-react';

/** It stays open: who claps, claps twice. */
export function ReactionMenu({ store }: { store: MeetingStore }) {
  return (
    <Menu id={REACT} label={t('control.react')} centred>
      <div class="reactions">
        {REACTIONS.map((one) => (
          <IconButton
            key={one}
            icon={one}
            label={t(`reaction.${one}`)}
            onClick={() => attempt(store.reactions.send(one))}
          />
        ))}
      </div>
    </Menu>
  );
}
