/** The recordings of all calls, by filters. */
import type { Recording } from '@calls/sdk';
import { Answer } from '../components/Answer';
import { beside, Filters, type Field } from '../components/Filters';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { usePages } from '../state/ask';
import { filtersIn } from '../state/filters';
import { moment } from '../state/format';
import { lengthOf, sizeOf } from '../state/recordings';
import { said, t } from '../words/t';
import { CallLink, RecordingLink, useKnown } from './parts';
import { State } from './RecordingCard';

const STATUSES = ['requested', 'active', 'processing', 'uploading', 'available', 'failed'] as const;
const MODES = ['tracks', 'audio', 'video', 'composite'] as const;
const FILTERS = ['status', 'mode', 'from', 'to'] as const;

const fields = (): Field[] => [
  { name: 'status', label: t('filter.status'), of: { words: STATUSES, group: 'recordingStatus' } },
  { name: 'mode', label: t('recording.mode'), of: { words: MODES, group: 'mode' } },
  { name: 'from', label: t('filter.from'), of: 'date' },
  { name: 'to', label: t('filter.to'), of: 'date' },
];

export function Recordings({ query }: { query: URLSearchParams }) {
  const filters = filtersIn(query, FILTERS);
  const list = usePages<Recording>(
    (cursor) =>
      got(api.GET('/api/v1/calls/recordings', { params: { query: { ...filters, limit: 50, ...(cursor && { cursor }) } as never } })),
    [query.toString()],
  );
  return (
    <>
      <h1>{t('recording.title')}</h1>
      <Filters screen="recordings" label={t('recordings.label')} fields={fields()} query={query} error={list.error} />
      <Answer of={{ value: list.rows, error: beside(FILTERS, list.error) }}>
        {(rows) => (
          <Table
            caption={t('recording.title')}
            columns={[
              { head: t('recording.one'), cell: (recording: Recording) => <Named recording={recording} /> },
              { head: t('call.call'), cell: ({ call_id }) => <CallLink id={call_id} /> },
              { head: t('recording.asked'), cell: ({ requested_at }) => moment(requested_at) },
              { head: t('recording.state'), cell: (recording) => <State recording={recording} /> },
              { head: t('recording.mode'), cell: ({ mode }) => said('mode', mode) },
              { head: t('call.lasts'), cell: (recording) => lengthOf(recording), figures: true },
              { head: t('recording.size'), cell: (recording) => sizeOf(recording), figures: true },
            ]}
            rows={rows}
            keyOf={({ recording_id }) => recording_id}
            empty={t(query.size > 0 ? 'recordings.noMatch' : 'recording.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}

/** By the room that it is of, and who was there. */
function Named({ recording: { recording_id, call_id } }: { recording: Recording }) {
  const call = useKnown(call_id);
  return (
    <>
      <RecordingLink id={recording_id} name={call?.name} />
      {call && call.people !== call.name && <div class="console__beside">{call.people}</div>}
    </>
  );
}
