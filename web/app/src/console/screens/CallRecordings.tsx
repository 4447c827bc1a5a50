/** What was recorded of a call: to be watched here, fetched, made anew, deleted. */
import type { Call, Recording } from '@calls/sdk';
import { useEffect, useMemo } from 'preact/hooks';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge, type Tone } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Facts } from '../components/Facts';
import { Table } from '../components/Table';
import { api, got } from '../state/api';
import { all, useAsk } from '../state/ask';
import { bytes, moment } from '../state/format';
import { follow } from '../state/playing';
import { askAgainAfter, EVERY_MS, unfinished } from '../state/recordings';
import { said, t } from '../words/t';

const MOST = 200;
const TONES: Record<Recording['status'], Tone> = {
  requested: 'busy',
  active: 'bad',
  processing: 'busy',
  uploading: 'busy',
  available: 'good',
  failed: 'bad',
};

export function CallRecordings({ call }: { call: Call }) {
  const path = { call_id: call.call_id };
  const page = (cursor: string | undefined) =>
    got(api.GET('/api/v1/calls/{call_id}/recordings', { params: { path, query: { limit: 100, ...(cursor && { cursor }) } } }));
  const list = useAsk(() => all(page, MOST), [call.call_id], EVERY_MS);
  return (
    <>
      <h2>{t('recording.title')}</h2>
      <Answer of={list}>
        {(recordings) =>
          recordings.length === 0 ? (
            <p class="console__empty">{t('recording.empty')}</p>
          ) : (
            <ul class="recordings">
              {recordings.map((listed) => (
                <One key={listed.recording_id} call={call} listed={listed} then={list.again} />
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}

/** What a recording that is finished can still change in. */
const stateOf = ({ status, files, transcript }: Recording): string => JSON.stringify([status, files.map(({ name }) => name), transcript?.status]);

interface OneProps {
  call: Call;
  /** As the list tells it, which has no links. */
  listed: Recording;
  then: () => void;
}

function One({ call, listed, then }: OneProps) {
  const path = { recording_id: listed.recording_id };
  const found = useAsk(
    () => got(api.GET('/api/v1/calls/recordings/{recording_id}', { params: { path } })),
    [listed.recording_id],
    askAgainAfter,
  );
  // Made anew, or written down since.
  const known = found.value && stateOf(found.value);
  const now = stateOf(listed);
  useEffect(() => {
    if (known !== null && known !== now) found.again();
  }, [now]);
  return (
    <li class="recordings__one">
      <Answer of={found}>
        {(recording) => (
          <>
            <Facts
              of={[
                [t('recording.id'), <code>{recording.recording_id}</code>],
                [t('recording.state'), <State recording={recording} />],
                [t('recording.mode'), said('mode', recording.mode)],
                [t('recording.started'), recording.started_at ? moment(recording.started_at) : t('value.none')],
                [t('call.lasts'), elapsed(recording.duration_seconds)],
                [t('recording.size'), bytes(recording.size_bytes)],
              ]}
            />
            <Player call={call} recording={recording} />
            <Files recording={recording} />
            {!unfinished(recording) && (
              <Confirm
                small
                label={t('recording.delete')}
                about={recording.recording_id}
                title={t('recording.deleteTitle')}
                text={t('recording.deleteText')}
                go={t('recording.delete')}
                run={() => got(api.DELETE('/api/v1/calls/recordings/{recording_id}', { params: { path } }))}
                then={then}
              />
            )}
          </>
        )}
      </Answer>
    </li>
  );
}

function State({ recording }: { recording: Recording }) {
  return (
    <>
      <Badge tone={TONES[recording.status]}>{said('recordingStatus', recording.status)}</Badge>
      {unfinished(recording) && recording.status !== 'active' && ` ${recording.progress} %`}
      {recording.error && <span class="console__problem"> {recording.error}</span>}
    </>
  );
}

/** Where in the call the recording begins, in milliseconds. */
const offsetOf = ({ started_at: call }: Call, { started_at }: Recording): number =>
  call && started_at ? Date.parse(started_at) - Date.parse(call) : 0;

/** The one file that everybody is in, where there is one, with what was said as captions. */
function Player({ call, recording }: { call: Call; recording: Recording }) {
  const file = recording.files.find(({ kind, url }) => (kind === 'audio' || kind === 'video') && url);
  const src = useFirst(file?.url, `${file?.name} ${file?.size_bytes}`);
  if (!file || !src) return null;
  const Media = file.kind === 'audio' ? 'audio' : 'video';
  const offset = offsetOf(call, recording) + file.start_ms;
  const captions = recording.files.find(({ kind, url }) => kind === 'transcript' && url);
  const moved = ({ currentTarget }: Event) => currentTarget instanceof HTMLMediaElement && follow(currentTarget, offset);
  return (
    <Media
      class="recordings__player"
      src={src}
      controls
      preload="metadata"
      aria-label={file.name}
      data-offset={offset}
      onPlay={moved}
      onSeeked={moved}
      onTimeUpdate={moved}
    >
      {captions?.url && <track kind="captions" src={captions.url} default />}
    </Media>
  );
}

/** What came first for this key: each answer signs its links anew, and a player that is given another one begins from the start. */
function useFirst<T>(value: T, key: string): T {
  return useMemo(() => value, [key]);
}

function Files({ recording }: { recording: Recording }) {
  if (recording.files.length === 0) return null;
  return (
    <Table
      caption={t('recording.files')}
      columns={[
        { head: t('file.name'), cell: (file: Recording['files'][number]) => (file.url ? <a href={file.url}>{file.name}</a> : file.name) },
        { head: t('file.codec'), cell: ({ codec }) => codec },
        { head: t('file.place'), cell: ({ place }) => said('place', place) },
        { head: t('call.lasts'), cell: ({ duration_ms }) => elapsed(duration_ms / 1000), figures: true },
        { head: t('recording.size'), cell: ({ size_bytes }) => bytes(size_bytes), figures: true },
      ]}
      rows={recording.files}
      keyOf={({ name }) => name}
      empty=""
    />
  );
}
