/** Asks for an API key, or sends people to the issuer that the server trusts. */
import { useEffect, useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Field } from '../../components/Field/Field';
import { detailOf } from '../../state/detail';
import { signIn } from '../state/api';
import { clientOf, refused, visitIssuer, type Client } from '../state/issuer';
import { t } from '../words/t';

export function SignIn() {
  const [typed, setTyped] = useState('');
  const [error, setError] = useState<string>();
  const [issuer, setIssuer] = useState<Client | null>(null);
  useEffect(() => void clientOf().then(setIssuer, () => undefined), []); // without it there are keys
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
        {issuer && <ByIssuer client={issuer} />}
        <Field label={t('signIn.key')} type="password" value={typed} hint={t('signIn.hint')} error={error} onInput={setTyped} />
        <Button look={issuer ? 'plain' : 'primary'} type="submit">
          {t('signIn.go')}
        </Button>
      </form>
    </main>
  );
}

function ByIssuer({ client }: { client: Client }) {
  const go = () => {
    refused.value = null;
    visitIssuer(client).catch(() => (refused.value = t('signIn.away')));
  };
  return (
    <>
      <Button look="primary" onClick={go}>
        {t('signIn.with', { host: new URL(client.issuer).host })}
      </Button>
      <p class="sign-in__refused" role="alert">
        {refused.value}
      </p>
      <p class="sign-in__or">{t('signIn.or')}</p>
    </>
  );
}
