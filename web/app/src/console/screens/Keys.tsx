/** API keys: which there are, what each may do; a new one, its heir, its end. */
import type { Schemas } from '@calls/sdk';
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Check } from '../../components/Check/Check';
import { Field } from '../../components/Field/Field';
import { detailOf } from '../../state/detail';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Secret } from '../components/Secret';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { usePages } from '../state/ask';
import { moment } from '../state/format';
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
              { head: t('key.name'), cell: ({ name }) => <code>{name}</code> },
              { head: t('key.scopes'), cell: ({ scopes }) => scopes.map((scope) => said('scope', scope)).join(', ') },
              { head: t('key.made'), cell: ({ created_at }) => moment(created_at) },
              { head: t('key.state'), cell: (key) => <State of={key} /> },
              { head: t('person.deeds'), cell: (key) => <Deeds of={key} rotated={shown} then={list.again} /> },
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

const isOver = ({ expires_at }: ApiKey): boolean => expires_at !== null && new Date(expires_at).getTime() <= Date.now();

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
  rotated: (key: NewApiKey) => void;
  then: () => void;
}

/** A key that is over can still be revoked: tokens that were made with it go on until then. */
function Deeds({ of: key, rotated, then }: DeedsProps) {
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
        text={t('key.revokeText')}
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
  const set = (scope: Scope, wanted: boolean) =>
    setScopes((chosen) => new Set(SCOPES.filter((one) => (one === scope ? wanted : chosen.has(one)))));
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const body = { scopes: [...scopes], label: label.trim() || null };
      then(await got(api.POST('/api/v1/calls/api-keys', { body })));
      setError(undefined);
      setLabel('');
      setScopes(new Set());
    } catch (problem) {
      setError(detailOf(problem));
    }
  };
  return (
    <form class="console__form" onSubmit={(event) => void make(event)}>
      <Field label={t('key.newLabel')} value={label} error={error} hint={t('key.labelHint')} maxLength={100} onInput={setLabel} />
      <fieldset class="console__checks">
        <legend>{t('key.scopes')}</legend>
        {SCOPES.map((scope) => (
          <Check key={scope} label={said('scope', scope)} checked={scopes.has(scope)} onChange={(wanted) => set(scope, wanted)} />
        ))}
      </fieldset>
      <Button type="submit" disabled={scopes.size === 0}>
        {t('key.add')}
      </Button>
    </form>
  );
}
