/** One line of the people list, and below it what a moderator may do. */
import type { Member, Moderation } from '@calls/sdk';
import { useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { attempt, nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Avatar } from '../Avatar/Avatar';
import { Button } from '../Button/Button';
import { Icon } from '../Icon/Icon';

interface PersonProps {
  store: MeetingStore;
  member: Member;
}

export function Person({ store, member }: PersonProps) {
  const [open, setOpen] = useState(false);
  const self = member.participant_id === store.me.value;
  const name = nameOf(member);
  const may = store.moderator.value && !self;
  return (
    <li class="person">
      <div class="person__row">
        <Avatar name={name} size="small" />
        <span class="person__name">
          {self ? t('app.youNamed', { name }) : name}
          {member.role !== 'participant' && <small class="person__role">{t(`role.${member.role}`)}</small>}
        </span>
        {member.hand && <State icon="hand" label={t('tile.hand')} />}
        {!member.audio && <State icon="microphone-off" label={t('tile.muted')} />}
        {may && (
          <button
            class="icon-button"
            type="button"
            aria-label={t('people.actions', { name })}
            aria-expanded={open}
            onClick={() => setOpen(!open)}
          >
            <Icon name="more" size={20} />
          </button>
        )}
      </div>
      {may && open && <PersonActions store={store} member={member} done={() => setOpen(false)} />}
    </li>
  );
}

function State({ icon, label }: { icon: 'hand' | 'microphone-off'; label: string }) {
  return (
    <span class={`person__state person__state--${icon}`} title={label}>
      <Icon name={icon} size={18} />
      <span class="visually-hidden">{label}</span>
    </span>
  );
}

function PersonActions({ store, member, done }: PersonProps & { done: () => void }) {
  const { participant_id, role, audio, video, screen } = member;
  const act = (moderation: Moderation) => {
    done();
    attempt(store.meeting.moderate(moderation));
  };
  const give = (next: Member['role']) => act({ action: 'role', participant_id, role: next });
  const lit = store.spotlight.value === participant_id;
  const isHost = store.self.value?.role === 'host';
  return (
    <div class="person__actions">
      {audio && (
        <Button size="small" onClick={() => act({ action: 'mute', participant_id })}>
          {t('people.mute')}
        </Button>
      )}
      {!audio && (
        <Button size="small" onClick={() => act({ action: 'ask_unmute', participant_id })}>
          {t('people.askUnmute')}
        </Button>
      )}
      {video && (
        <Button size="small" onClick={() => act({ action: 'mute', participant_id, source: 'camera' })}>
          {t('people.stopVideo')}
        </Button>
      )}
      {screen && (
        <Button size="small" onClick={() => act({ action: 'mute', participant_id, source: 'screen' })}>
          {t('people.stopShare')}
        </Button>
      )}
      <Button
        size="small"
        onClick={() => act({ action: 'spotlight', participant_id: lit ? null : participant_id })}
      >
        {t(lit ? 'people.spotlightOff' : 'people.spotlight')}
      </Button>
      {role === 'participant' && (
        <Button size="small" onClick={() => give('moderator')}>
          {t('people.makeModerator')}
        </Button>
      )}
      {role === 'moderator' && (
        <Button size="small" onClick={() => give('participant')}>
          {t('people.makeParticipant')}
        </Button>
      )}
      {isHost && (
        <Button size="small" onClick={() => give('host')}>
          {t('people.makeHost')}
        </Button>
      )}
      <Button size="small" look="wary" onClick={() => act({ action: 'kick', participant_id })}>
        {t('people.kick')}
      </Button>
      <Button size="small" look="danger" onClick={() => act({ action: 'remove', participant_id })}>
        {t('people.remove')}
      </Button>
    </div>
  );
}
