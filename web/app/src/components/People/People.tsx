/** Who is here and who wants in; for moderators, what can be done about it. */
import type { Member } from '@calls/sdk';
import { t, tn } from '../../i18n/t';
import { attempt, nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Avatar } from '../Avatar/Avatar';
import { Button } from '../Button/Button';
import { Panel } from '../Panel/Panel';
import { Person } from './Person';
import './People.css';

export function People({ store }: { store: MeetingStore }) {
  const members = store.members.value;
  const waiting = store.moderator.value ? store.waiting.value : [];
  return (
    <Panel title={t('people.title')} close={() => store.show(null)}>
      <div class="people">
        {store.moderator.value && <Moderation store={store} />}
        {waiting.length > 0 && (
          <section>
            <h3 class="people__heading">{t('people.waiting')}</h3>
            <ul>
              {waiting.map((member) => (
                <Knocker key={member.participant_id} store={store} member={member} />
              ))}
            </ul>
          </section>
        )}
        <section>
          <h3 class="people__heading">
            {t('people.inside')} <span>{tn('people.count', members.length)}</span>
          </h3>
          <ul>
            {members.map((member) => (
              <Person key={member.participant_id} store={store} member={member} />
            ))}
          </ul>
        </section>
      </div>
    </Panel>
  );
}

function Moderation({ store }: { store: MeetingStore }) {
  const locked = store.room.value?.locked ?? false;
  const { meeting } = store;
  return (
    <div class="people__moderation">
      <Button size="small" icon="microphone-off" onClick={() => attempt(meeting.moderate({ action: 'mute_all' }))}>
        {t('people.muteAll')}
      </Button>
      <Button size="small" icon="hand" onClick={() => attempt(meeting.moderate({ action: 'lower_hands' }))}>
        {t('people.lowerHands')}
      </Button>
      <Button size="small" icon="lock" onClick={() => attempt(meeting.moderate({ action: 'lock', locked: !locked }))}>
        {t(locked ? 'people.unlock' : 'people.lock')}
      </Button>
    </div>
  );
}

function Knocker({ store, member }: { store: MeetingStore; member: Member }) {
  const name = nameOf(member);
  const decide = (action: 'admit' | 'deny') =>
    attempt(store.meeting.moderate({ action, participant_id: member.participant_id }));
  return (
    <li class="person">
      <div class="person__row">
        <Avatar name={name} size="small" />
        <span class="person__name">{name}</span>
        <Button size="small" look="primary" label={t('people.admit', { name })} onClick={() => decide('admit')}>
          {t('people.admitShort')}
        </Button>
        <Button size="small" label={t('people.deny', { name })} onClick={() => decide('deny')}>
          {t('people.denyShort')}
        </Button>
      </div>
    </li>
  );
}
