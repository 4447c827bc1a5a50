/** Who is here and who wants in; for moderators, what can be done about it. */
import type { Member } from '@calls/sdk';
import { t, tn } from '../../i18n/t';
import { attempt, nameOf } from '../../state/announce';
import type { MeetingStore } from '../../state/meeting-store';
import { Avatar } from '../Avatar/Avatar';
import { Button } from '../Button/Button';
import { Check } from '../Check/Check';
import { Icon } from '../Icon/Icon';
import { Panel } from '../Panel/Panel';
import { Person } from './Person';
import './People.css';

export function People({ store }: { store: MeetingStore }) {
  const members = store.members.value;
  const hands = store.hands.value.flatMap((id) => members.find(({ participant_id }) => participant_id === id) ?? []);
  const waiting = store.waiting.value;
  return (
    <Panel title={t('people.title')} close={() => store.show(null)}>
      <div class="people">
        {store.moderator.value && <Moderation store={store} />}
        {waiting.length > 0 && (
          <section>
            <h3 class="people__heading">
              {t('people.waiting')}
              {waiting.length > 1 && (
                <Button size="small" onClick={() => attempt(store.meeting.moderate({ action: 'admit_all' }))}>
                  {t('people.admitAll')}
                </Button>
              )}
            </h3>
            <ul>
              {waiting.map((member) => (
                <Knocker key={member.participant_id} store={store} member={member} />
              ))}
            </ul>
          </section>
        )}
        {hands.length > 0 && (
          <section>
            <h3 class="people__heading">{t('people.hands')}</h3>
            <ol class="people__hands">
              {hands.map((member) => (
                <Hand key={member.participant_id} store={store} member={member} />
              ))}
            </ol>
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
  const settings = store.room.value?.settings;
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
      {settings && (
        <>
          <Check
            label={t('people.allowChat')}
            checked={settings.allow_chat ?? true}
            onChange={(chat) => attempt(meeting.moderate({ action: 'permit', chat }))}
          />
          <Check
            label={t('people.allowScreen')}
            checked={settings.allow_screen ?? true}
            onChange={(screen) => attempt(meeting.moderate({ action: 'permit', screen }))}
          />
          {!meeting.encrypted && (
            <Check
              label={t('people.allowFiles')}
              checked={settings.allow_files ?? true}
              onChange={(files) => attempt(meeting.moderate({ action: 'permit', files }))}
            />
          )}
        </>
      )}
    </div>
  );
}

/** One of those who want to say something, in their order. */
function Hand({ store, member }: { store: MeetingStore; member: Member }) {
  const name = nameOf(member);
  const { participant_id } = member;
  const lower = () => attempt(store.meeting.moderate({ action: 'lower_hand', participant_id }));
  return (
    <li class="people__hand">
      <Icon name="hand" size={18} />
      <span class="person__name">{name}</span>
      {store.moderator.value && (
        <Button size="small" label={t('people.lowerHandOf', { name })} onClick={lower}>
          {t('control.handDown')}
        </Button>
      )}
    </li>
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
