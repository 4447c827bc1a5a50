/** What goes on now. */
import type { Call } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Table } from '../components/Table';
import { api, got } from '../state/api';
import { all, useAsk } from '../state/ask';
import { namesOf } from '../state/names';
import { CallLink, Marks, RoomName } from './parts';
import { t, tn } from '../words/t';

const EVERY_MS = 3000;
const MOST = 500;

const ring = (status: 'active' | 'ringing') => (cursor: string | undefined) =>
  got(api.GET('/api/v1/calls/history', { params: { query: { status, limit: 100, ...(cursor && { cursor }) } } }));

export function Live() {
  const calls = useAsk(async () => [...(await all(ring('ringing'), MOST)), ...(await all(ring('active'), MOST))], [], EVERY_MS);
  return (
    <>
      <h1>{t('live.title')}</h1>
      <Answer of={calls}>
        {(rows) => (
          <>
            <ul class="figures">
              <Figure of="live.calls" count={rows.length} />
              <Figure of="live.people" count={rows.reduce((sum, { participants }) => sum + participants.length, 0)} />
              <Figure of="live.recorded" count={rows.filter(({ recording }) => recording).length} />
            </ul>
            <Table
              caption={t('live.title')}
              columns={[
                { head: t('call.call'), cell: (call: Call) => <CallLink id={call.call_id} /> },
                { head: t('call.room'), cell: (call) => <RoomName id={call.room_id ?? null} /> },
                { head: t('call.state'), cell: (call) => <Marks call={call} /> },
                { head: t('call.people'), cell: (call) => <People call={call} /> },
                { head: t('call.lasts'), cell: (call) => elapsed(call.duration_seconds), figures: true },
              ]}
              rows={rows}
              keyOf={({ call_id }) => call_id}
              empty={t('live.empty')}
            />
          </>
        )}
      </Answer>
    </>
  );
}

function Figure({ of, count }: { of: 'live.calls' | 'live.people' | 'live.recorded'; count: number }) {
  return <li class="figures__one">{tn(of, count)}</li>;
}

function People({ call }: { call: Call }) {
  return (
    <>
      <span class="console__count">{call.participants.length}</span> {namesOf(call.participants)}
    </>
  );
}
