/** One endpoint: what it is told, how each delivery went, and what can be done about it. */
import type { Schemas } from '@calls/sdk';
import { useState } from 'preact/hooks';
import { toast } from '../../state/toasts';
import { Choice } from '../../components/Choice/Choice';
import { Act } from '../components/Act';
import { Answer } from '../components/Answer';
import { Badge, type Tone } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Facts } from '../components/Facts';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { useAsk, usePages } from '../state/ask';
import { moment, timeOfDay } from '../state/format';
import { go, pathOf } from '../state/route';
import { said, t } from '../words/t';
import { Events, HookState } from './Webhooks';

export type Webhook = Schemas['Webhook'];
type Delivery = Schemas['Delivery'];

const TONES: Record<Delivery['status'], Tone> = { pending: 'busy', delivered: 'good', failed: 'bad' };
const STATES = ['any', 'pending', 'delivered', 'failed'] as const;

export function WebhookPage({ webhookId }: { webhookId: string }) {
  const params = { path: { webhook_id: webhookId } };
  const hook = useAsk(() => got(api.GET('/api/v1/calls/webhooks/{webhook_id}', { params })), [webhookId]);
  return (
    <>
      <h1>{t('webhook.title')}</h1>
      <Answer of={hook}>
        {(known) => (
          <>
            <Facts
              of={[
                [t('webhook.url'), <code>{known.url}</code>],
                [t('webhook.state'), <HookState hook={known} />],
                [t('webhook.events'), <Events of={known.events} />],
                [t('webhook.about'), known.description ?? t('value.none')],
                [t('webhook.made'), moment(known.created_at)],
              ]}
            />
            <Deeds hook={known} then={hook.again} />
          </>
        )}
      </Answer>
      <Deliveries webhookId={webhookId} />
    </>
  );
}

function Deeds({ hook, then }: { hook: Webhook; then: () => void }) {
  const params = { path: { webhook_id: hook.webhook_id } };
  const enabled = hook.status === 'enabled';
  const test = async () => {
    const { status, error, duration_ms } = await got(api.POST('/api/v1/calls/webhooks/{webhook_id}/test', { params }));
    const values = { status: status ?? t('value.none'), ms: duration_ms, error: error ?? '' };
    toast(t(error ? 'webhook.testFailed' : 'webhook.tested', values), error ? { tone: 'bad' } : {});
  };
  return (
    <p class="console__deeds">
      <Act label={t('webhook.test')} run={test} />
      <Act
        label={t(enabled ? 'webhook.disable' : 'webhook.enable')}
        run={() => got(api.PATCH('/api/v1/calls/webhooks/{webhook_id}', { params, body: { enabled: !enabled } }))}
        then={then}
      />
      <Confirm
        small
        label={t('webhook.delete')}
        title={t('webhook.deleteTitle')}
        text={t('webhook.deleteText')}
        go={t('webhook.delete')}
        run={() => got(api.DELETE('/api/v1/calls/webhooks/{webhook_id}', { params }))}
        then={() => go(pathOf('webhooks'))}
      />
    </p>
  );
}

function Deliveries({ webhookId }: { webhookId: string }) {
  const [state, setState] = useState<(typeof STATES)[number]>('any');
  const list = usePages<Delivery>(
    (cursor) =>
      got(
        api.GET('/api/v1/calls/webhooks/{webhook_id}/deliveries', {
          params: {
            path: { webhook_id: webhookId },
            query: { limit: 50, ...(state !== 'any' && { status: state }), ...(cursor && { cursor }) },
          },
        }),
      ),
    [webhookId, state],
  );
  return (
    <>
      <h2>{t('delivery.title')}</h2>
      <div class="console__form">
        <Choice
          label={t('delivery.which')}
          options={STATES.map((value) => ({ value, label: said('delivery', value) }))}
          chosen={state}
          choose={setState}
        />
      </div>
      <Answer of={{ value: list.rows, error: list.error }}>
        {(rows) => (
          <Table
            caption={t('delivery.title')}
            columns={[
              { head: t('delivery.at'), cell: (one: Delivery) => moment(one.created_at) },
              { head: t('delivery.event'), cell: ({ event_type }) => <code class="code--whole">{event_type}</code> },
              { head: t('delivery.state'), cell: ({ status }) => <Badge tone={TONES[status]}>{said('delivery', status)}</Badge> },
              { head: t('delivery.tries'), cell: (one) => <Log of={one} /> },
              { head: t('delivery.next'), cell: ({ next_attempt_at }) => (next_attempt_at ? moment(next_attempt_at) : t('value.none')) },
              { head: t('person.deeds'), cell: (one) => <Again of={one} then={list.again} /> },
            ]}
            rows={rows}
            keyOf={({ delivery_id }) => delivery_id}
            empty={t('delivery.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

/** Each try: when, what the endpoint said, how long that took. */
function Log({ of: { log, attempts } }: { of: Delivery }) {
  if (log.length === 0) return <>{attempts}</>;
  return (
    <details>
      <summary>{attempts}</summary>
      <ol class="console__log">
        {log.map(({ at, status, error, duration_ms }) => (
          <li key={at}>
            {timeOfDay(at)} · {status ?? t('value.none')} · {duration_ms} {t('unit.ms')}
            {error && <span class="console__problem"> {error}</span>}
          </li>
        ))}
      </ol>
    </details>
  );
}

function Again({ of: { webhook_id, delivery_id, event_type, status }, then }: { of: Delivery; then: () => void }) {
  if (status === 'pending') return null;
  const params = { path: { webhook_id, delivery_id } };
  return (
    <Act
      label={t('delivery.again')}
      about={event_type}
      run={() => got(api.POST('/api/v1/calls/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver', { params }))}
      then={then}
    />
  );
}
