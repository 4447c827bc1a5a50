/** All calls there were, by filters, as a table or as a file. */
import type { Call } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Button } from '../../components/Button/Button';
import { Answer } from '../components/Answer';
import { beside, Filters, type Field } from '../components/Filters';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { all, usePages } from '../state/ask';
import { useDeed } from '../state/deed';
import { filtersIn } from '../state/filters';
import { csv, download, moment } from '../state/format';
import { namesOf } from '../state/names';
import { CallLink, Marks, RoomName } from './parts';
import { said, t } from '../words/t';

const STATUSES = ['initiated', 'ringing', 'active', 'ended'] as const;
const KINDS = ['one_to_one', 'group', 'conference', 'bot'] as const;

/** A file longer than that is for the API. */
const MOST_IN_FILE = 10_000;

const FILTERS = ['user_id', 'room_id', 'status', 'kind', 'from', 'to'] as const;
type Filter = (typeof FILTERS)[number];

const fields = (): Field[] => [
  { name: 'user_id', label: t('filter.user_id'), of: 'search' },
  { name: 'room_id', label: t('filter.room_id'), of: 'search' },
  { name: 'status', label: t('filter.status'), of: { words: STATUSES, group: 'status' } },
  { name: 'kind', label: t('filter.kind'), of: { words: KINDS, group: 'kind' } },
  { name: 'from', label: t('filter.from'), of: 'date' },
  { name: 'to', label: t('filter.to'), of: 'date' },
];

const page = (filters: Partial<Record<Filter, string>>, limit: number) => (cursor: string | undefined) =>
  got(api.GET('/api/v1/calls/history', { params: { query: { ...filters, limit, ...(cursor && { cursor }) } as never } }));

export function Calls({ query }: { query: URLSearchParams }) {
  const filters = filtersIn(query, FILTERS);
  const list = usePages<Call>(page(filters, 50), [query.toString()]);
  const [saving, save] = useDeed({
    run: async () => {
      const rows = await all<Call>(page(filters, 100), MOST_IN_FILE);
      download('calls.csv', csv([HEAD, ...rows.map(row)]), 'text/csv');
    },
  });
  return (
    <>
      <div class="console__title">
        <h1>{t('calls.title')}</h1>
        <Button size="small" disabled={saving} onClick={() => void save()}>
          {t('calls.csv')}
        </Button>
      </div>
      <Filters screen="calls" label={t('filter.label')} fields={fields()} query={query} error={list.error} />
      <Answer of={{ value: list.rows, error: beside(FILTERS, list.error) }}>
        {(rows) => (
          <Table
            caption={t('calls.title')}
            columns={[
              { head: t('call.call'), cell: (call: Call) => <CallLink id={call.call_id} /> },
              { head: t('call.made'), cell: ({ created_at }) => (created_at ? moment(created_at) : t('value.unknown')) },
              { head: t('call.kind'), cell: ({ kind }) => said('kind', kind) },
              { head: t('call.state'), cell: (call) => <Marks call={call} /> },
              { head: t('call.room'), cell: ({ room_id }) => <RoomName id={room_id ?? null} /> },
              { head: t('call.people'), cell: ({ participants }) => namesOf(participants) },
              { head: t('call.lasts'), cell: ({ duration_seconds }) => elapsed(duration_seconds), figures: true },
            ]}
            rows={rows}
            keyOf={({ call_id }) => call_id}
            empty={t(query.size > 0 ? 'calls.noMatch' : 'calls.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

const HEAD = ['call_id', 'kind', 'status', 'end_reason', 'room_id', 'created_at', 'started_at', 'ended_at', 'duration_seconds', 'user_ids'];

const row = (call: Call): (string | number | null)[] => [
  call.call_id,
  call.kind,
  call.status,
  call.end_reason ?? null,
  call.room_id ?? null,
  call.created_at ?? null,
  call.started_at ?? null,
  call.ended_at ?? null,
  call.duration_seconds,
  call.participants.map(({ user_id }) => user_id).join(' '),
];
