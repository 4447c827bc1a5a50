/** Goes to the lobby of a meeting that already is. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Field } from '../../components/Field/Field';
import { t } from '../../i18n/t';
import { roomIn } from '../../layout/text';
import { go, meetingPath } from '../../state/route';

export function JoinForm() {
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<string>();
  const join = (event: Event) => {
    event.preventDefault();
    const found = roomIn(typed);
    if (found) go(meetingPath(found.roomId) + found.hash);
    else setError(t('landing.joinBad'));
  };
  return (
    <form class="landing__join" onSubmit={join}>
      <Field
        label={t('landing.join')}
        value={typed}
        placeholder={t('landing.joinPlaceholder')}
        onInput={(text) => {
          setTyped(text);
          setError(undefined);
        }}
        error={error}
      />
      <Button type="submit">{t('landing.joinGo')}</Button>
    </form>
  );
}
