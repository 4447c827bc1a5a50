/** Asks for an API key. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Field } from '../../components/Field/Field';
import { detailOf } from '../../state/detail';
import { signIn } from '../state/api';
import { t } from '../words/t';

export function SignIn() {
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<string>();
  const enter = async (event: Event) => {
    event.preventDefault();
    try {
      await signIn(typed.trim());
    } catch (problem) {
      setError(detailOf(problem));
    }
  };
  return (
    <main class="sign-in">
      <form class="sign-in__form" onSubmit={(event) => void enter(event)}>
        <img src="/icon.svg" alt="" width="40" height="40" />
        <h1>{t('signIn.title')}</h1>
        <Field label={t('signIn.key')} type="password" value={typed} hint={t('signIn.hint')} error={error} onInput={setTyped} />
        <Button look="primary" type="submit">
          {t('signIn.go')}
        </Button>
      </form>
    </main>
  );
}
