/** Makes a room and goes to its lobby. */
import { ProblemError } from '@calls/sdk';
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Check } from '../../components/Check/Check';
import { Field } from '../../components/Field/Field';
import { t } from '../../i18n/t';
import { detailOf } from '../../state/detail';
import { identity, rememberPassword } from '../../state/memory';
import { go, meetingPath } from '../../state/route';
import { client } from '../../state/visit';

/** As long as the server takes a room's name. */
const LONGEST_NAME = 120;

export function StartForm() {
  const [name, setName] = useState('');
  const [password, setPassword] = useState('');
  const [waitingRoom, setWaitingRoom] = useState(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string>();

  const start = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    try {
      const room = await client.createRoom({
        name: name.trim() || t('landing.meetingNameDefault'),
        type: 'persistent',
        settings: { waiting_room: waitingRoom },
        ...(password && { password }),
        ...whoHosts(),
      });
      rememberPassword(room.room_id, password);
      go(meetingPath(room.room_id));
    } catch (problem) {
      const closed = problem instanceof ProblemError && (problem.status === 401 || problem.status === 403);
      setError(closed ? t('landing.keyNeeded') : t('join.other', { detail: detailOf(problem) }));
      setBusy(false);
    }
  };

  return (
    <form class="landing__form" onSubmit={(event) => void start(event)}>
      <Field
        label={t('landing.meetingName')}
        value={name}
        placeholder={t('landing.meetingNameDefault')}
        maxLength={LONGEST_NAME}
        onInput={setName}
        error={error}
      />
      <details class="landing__options">
        <summary>{t('landing.options')}</summary>
        <Check label={t('landing.waitingRoom')} checked={waitingRoom} onChange={setWaitingRoom} />
        <Field
          label={t('landing.password')}
          type="password"
          value={password}
          hint={t('landing.passwordHint')}
          autoComplete="new-password"
          maxLength={128}
          onInput={setPassword}
        />
      </details>
      <Button look="primary" icon="camera" type="submit" disabled={busy}>
        {t(busy ? 'landing.starting' : 'landing.start')}
      </Button>
    </form>
  );
}

/** Whoever starts a meeting is its host, whenever they come. */
const whoHosts = () => ({ host: identity.userId });
