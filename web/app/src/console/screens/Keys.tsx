/** API keys: which there are, what each may do; a new one, its heir, its end. */
import type { Schemas } from '@calls/sdk';
import { useId, useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Check } from '../../components/Check/Check';
import { Field } from '../../components/Field/Field';
import { detailOf } from '../../state/detail';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Secret } from '../components/Secret';
import { More, Table } from '../components/Table';
import { api, got, key as signedInWith } from '../state/api';
import { usePages } from '../state/ask';
import { moment } from '../state/format';
import { isOver, isOwn, revoking } from '../state/keys';
import { wrongWith } from '../state/refusal';
import { said, t } from '../words/t';

type ApiKey = Schemas['ApiKey'];
type NewApiKey = Schemas['NewApiKey'];
type Scope = Schemas['Scope'];

const SCOPES: readonly Scope[] = ['rooms', 'calls', 'moderate', 'recordings', 'transcripts', 'webhooks', 'keys', 'admin'];

export function Keys() {
  const list = usePages<ApiKey>(
    (cursor) => got(api.GET('/api/v1/calls/api-keys', { params: { query: { limit: 50, ...(cursor && { cursor }) } } })),
    [],
  );
  const [made, setMade] = useState<NewApiKey>();
  const shown = (key: NewApiKey) => {
    setMade(key);
    list.again();
  };
  return (
    <>
      <h1>{t('keys.title')}</h1>
      <NewKey then={shown} />
      {made && (
        <Secret of={made.secret}>{t('key.secret', { name: made.label ?? made.name })}</Secret>
      )}
      <Answer of={{ value: list.rows, error: list.error }}>
        {(rows) => (
          <Table
            caption={t('keys.title')}
            columns={[
              { head: t('key.label'), cell: ({ label }: ApiKey) => label ?? t('value.none') },
              { head: t('key.name'), cell: (key) => <Name of={key} /> },
              { head: t('key.scopes'), cell: ({ scopes }) => scopes.map((scope) => said('scope', scope)).join(', ') },
              { head: t('key.made'), cell: ({ created_at }) => moment(created_at) },
              { head: t('key.state'), cell: (key) => <State of={key} /> },
              { head: t('person.deeds'), cell: (key) => <Deeds of={key} among={list.more ? null : rows} rotated={shown} then={list.again} /> },
            ]}
            rows={rows}
            keyOf={({ name }) => name}
            empty={t('keys.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

function Name({ of: { name } }: { of: ApiKey }) {
  return (
    <span class="console__marks">
      <code>{name}</code>
      {isOwn(name, signedInWith.value) && <Badge>{t('key.own')}</Badge>}
    </span>
  );
}

function State({ of: key }: { of: ApiKey }) {
  const { expires_at, revoked_at } = key;
  if (revoked_at) return <Badge tone="bad">{t('key.revoked', { at: moment(revoked_at) })}</Badge>;
  if (!expires_at) return <Badge tone="good">{t('key.good')}</Badge>;
  return isOver(key) ? (
    <Badge tone="plain">{t('key.over', { at: moment(expires_at) })}</Badge>
  ) : (
    <Badge tone="busy">{t('key.until', { at: moment(expires_at) })}</Badge>
  );
}

interface DeedsProps {
  of: ApiKey;
  /** All keys there are; null: there are more than are known. */
  among: readonly ApiKey[] | null;
  rotated: (key: NewApiKey) => void;
  then: () => void;
}

/** A key that is over can still be revoked: tokens that were made with it go on until then. */
function Deeds({ of: key, among, rotated, then }: DeedsProps) {
  if (key.revoked_at) return null;
  const { name } = key;
  const about = key.label ?? name;
  const params = { path: { key_name: name } };
  return (
    <span class="console__deeds">
      {!isOver(key) && (
        <Confirm
          small
          label={t('key.rotate')}
          about={about}
          title={t('key.rotateTitle', { name: about })}
          text={t('key.rotateText')}
          go={t('key.rotate')}
          run={async () => rotated(await got(api.POST('/api/v1/calls/api-keys/{key_name}/rotate', { params, body: {} })))}
        />
      )}
      <Confirm
        small
        label={t('key.revoke')}
        about={about}
        title={t('key.revokeTitle', { name: about })}
        text={revoking(key, among, signedInWith.value).map((what) => t(what)).join(' ')}
        go={t('key.revoke')}
        run={() => got(api.DELETE('/api/v1/calls/api-keys/{key_name}', { params }))}
        then={then}
      />
    </span>
  );
}

/** The key itself is shown this once. */
function NewKey({ then }: { then: (key: NewApiKey) => void }) {
  const [label, setLabel] = useState('');
  const [scopes, setScopes] = useState<ReadonlySet<Scope>>(new Set());
  const [error, setError] = useState<string>();
  const [refused, setRefused] = useState<string>();
  const refusal = useId();
  const set = (scope: Scope, wanted: boolean) =>
    setScopes((chosen) => new Set(SCOPES.filter((one) => (one === scope ? wanted : chosen.has(one)))));
  const make = async (event: Event) => {
    event.preventDefault();
    setError(undefined);
    setRefused(scopes.size === 0 ? t('key.noScopes') : undefined);
    if (scopes.size === 0) return;
    try {
      const body = { scopes: [...scopes], label: label.trim() || null };
      then(await got(api.POST('/api/v1/calls/api-keys', { body })));
      setLabel('');
      setScopes(new Set());
    } catch (problem) {
      const scopesWrong = wrongWith('scopes', problem);
      if (scopesWrong) setRefused(scopesWrong);
      else setError(wrongWith('label', problem) ?? detailOf(problem));
    }
  };
  return (
    <form class="console__form" onSubmit={(event) => void make(event)}>
      <Field label={t('key.newLabel')} value={label} error={error} hint={t('key.labelHint')} maxLength={100} onInput={setLabel} />
      <fieldset class="console__checks" aria-describedby={refused && refusal}>
        <legend>{t('key.scopes')}</legend>
        {SCOPES.map((scope) => (
          <Check key={scope} label={said('scope', scope)} checked={scopes.has(scope)} onChange={(wanted) => set(scope, wanted)} />
        ))}
        {refused && (
          <p class="field__note field__note--bad console__whole" id={refusal} role="alert">
            {refused}
          </p>
        )}
      </fieldset>
      <Button type="submit">{t('key.add')}</Button>
    </form>
  );
}
