/** Endpoints that are told of events. */
import { useState } from 'preact/hooks';
import { Button } from '../../components/Button/Button';
import { Field } from '../../components/Field/Field';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Secret } from '../components/Secret';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { usePages } from '../state/ask';
import { moment } from '../state/format';
import { wrongUrl } from '../state/refusal';
import { follow, pathOf } from '../state/route';
import { t } from '../words/t';
import type { Webhook } from './WebhookPage';

export function Webhooks() {
  const list = usePages<Webhook>(
    (cursor) => got(api.GET('/api/v1/calls/webhooks', { params: { query: { limit: 50, ...(cursor && { cursor }) } } })),
    [],
  );
  return (
    <>
      <h1>{t('webhooks.title')}</h1>
      <NewWebhook then={list.again} />
      <Answer of={{ value: list.rows, error: list.error }}>
        {(rows) => (
          <Table
            caption={t('webhooks.title')}
            columns={[
              { head: t('webhook.url'), cell: (hook: Webhook) => <HookLink hook={hook} /> },
              { head: t('webhook.events'), cell: ({ events }) => <Events of={events} /> },
              { head: t('webhook.state'), cell: (hook) => <HookState hook={hook} /> },
              { head: t('webhook.made'), cell: ({ created_at }) => moment(created_at) },
            ]}
            rows={rows}
            keyOf={({ webhook_id }) => webhook_id}
            empty={t('webhooks.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

const HookLink = ({ hook: { webhook_id, url } }: { hook: Webhook }) => (
  <a href={pathOf('webhooks', webhook_id)} onClick={follow}>
    {url}
  </a>
);

export const Events = ({ of: events }: { of: readonly string[] }) =>
  events.includes('*') ? <>{t('webhook.everyEvent')}</> : <code>{events.join(', ')}</code>;

export function HookState({ hook: { status, disabled_reason } }: { hook: Webhook }) {
  const enabled = status === 'enabled';
  return (
    <>
      <Badge tone={enabled ? 'good' : 'bad'}>{t(enabled ? 'webhook.enabled' : 'webhook.disabled')}</Badge>
      {disabled_reason && <span class="console__problem"> {disabled_reason}</span>}
    </>
  );
}

/** The secret is shown this once. */
function NewWebhook({ then }: { then: () => void }) {
  const [url, setUrl] = useState('');
  const [error, setError] = useState<string>();
  const [secret, setSecret] = useState<string>();
  const make = async (event: Event) => {
    event.preventDefault();
    try {
      const made = await got(api.POST('/api/v1/calls/webhooks', { body: { url: url.trim() } }));
      setSecret(made.secret ?? undefined);
      setError(undefined);
      setUrl('');
      then();
    } catch (problem) {
      setError(wrongUrl(url.trim(), problem));
    }
  };
  return (
    <form class="console__form" onSubmit={(event) => void make(event)}>
      <Field label={t('webhook.newUrl')} value={url} error={error} hint={t('webhook.urlHint')} onInput={setUrl} />
      <Button type="submit" disabled={!url.trim()}>
        {t('webhook.add')}
      </Button>
      {secret && (
        <Secret of={secret}>{t('webhook.secret')}</Secret>
      )}
    </form>
  );
}
