/** What happened in a call, in its order: who came and went, what they switched on, and where a connection was bad. */
import type { Call, QualitySample } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Table } from '../components/Table';
import { api, got } from '../state/api';
import { all, useAsk } from '../state/ask';
import { timeOfDay } from '../state/format';
import { namesIn, spells, tell, type Entry, type Happened } from '../state/timeline';
import { t } from '../words/t';

const LIVE_MS = 5000;
/** What was recorded is still being made. */
const AFTER_MS = 20_000;
const MOST = 2000;

export function CallTimeline({ call }: { call: Call }) {
  const { call_id } = call;
  const events = (cursor: string | undefined) =>
    got(api.GET('/api/v1/calls/events', { params: { query: { call_id, limit: 100, ...(cursor && { after: cursor }) } } }));
  const samples = (cursor: string | undefined) =>
    got(api.GET('/api/v1/calls/{call_id}/quality', { params: { path: { call_id }, query: { limit: 100, ...(cursor && { cursor }) } } }));
  const asked = useAsk(
    async () => ({
      events: (await all(events, MOST)) as Happened[],
      samples: (await all<QualitySample>(samples, MOST)),
    }),
    [call_id, call.status],
    call.status === 'ended' ? AFTER_MS : LIVE_MS,
  );
  return (
    <>
      <h2>{t('timeline.title')}</h2>
      <Answer of={asked}>
        {({ events, samples }) => {
          const names = namesIn(events);
          const name = (id: string) => names.get(id) ?? t('timeline.somebody');
          const entries = [...tell(events, name), ...spells(samples, name)].sort((a, b) => a.at - b.at);
          return (
            <Table
              caption={t('timeline.title')}
              columns={[
                { head: t('timeline.at'), cell: ({ at }: Entry) => timeOfDay(at), figures: true },
                { head: t('timeline.since'), cell: ({ at }) => since(call, at), figures: true },
                { head: t('timeline.about'), cell: ({ about, tone }) => <Badge tone={tone}>{t(`timeline.${about}`)}</Badge> },
                { head: t('timeline.what'), cell: ({ text }) => text },
              ]}
              rows={entries}
              keyOf={({ key }) => key}
              empty={t('timeline.empty')}
            />
          );
        }}
      </Answer>
    </>
  );
}

/** How long after the call was answered. */
function since({ started_at }: Call, at: number): string {
  if (!started_at) return t('value.none');
  const seconds = Math.round((at - Date.parse(started_at)) / 1000);
  return seconds < 0 ? t('value.none') : elapsed(seconds);
}
