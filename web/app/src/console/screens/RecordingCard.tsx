/** One recording: to be watched here, fetched, made anew, deleted. */
import type { Recording } from '@calls/sdk';
import { useEffect, useMemo } from 'preact/hooks';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { Badge, type Tone } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Facts } from '../components/Facts';
import { Table } from '../components/Table';
import { api, got } from '../state/api';
import { useAsk, type Asked } from '../state/ask';
import { bytes, moment } from '../state/format';
import { follow, placeOf } from '../state/playing';
import { askAgainAfter, lengthOf, sizeOf, unfinished } from '../state/recordings';
import type { Report } from '../state/report';
import { said, t } from '../words/t';
import { Compose } from './Compose';
import { RecordingReport } from './RecordingReport';

const TONES: Record<Recording['status'], Tone> = {
  requested: 'busy',
  active: 'bad',
  processing: 'busy',
  uploading: 'busy',
  available: 'good',
  failed: 'bad',
};

/** Asked for again while something is still to come of it. */
export const useRecording = (recording_id: string): Asked<Recording> =>
  useAsk(
    () => got(api.GET('/api/v1/calls/recordings/{recording_id}', { params: { path: { recording_id } } })),
    [recording_id],
    askAgainAfter,
  );

/** What a recording that is finished can still change in. */
const stateOf = ({ status, layout, files, transcript }: Recording): string =>
  JSON.stringify([status, layout, files.map(({ name }) => name), transcript?.status]);

interface ListedProps {
  /** As the list of its call tells it now. */
  listed: Recording;
  callStartedAt: string | null;
  gone: () => void;
}

/** A recording in a list, which is asked for again when the list tells it otherwise. */
export function Listed({ listed, callStartedAt, gone }: ListedProps) {
  const found = useRecording(listed.recording_id);
  // Made anew, or written down since.
  const known = found.value && stateOf(found.value);
  const now = stateOf(listed);
  useEffect(() => {
    if (known !== null && known !== now) found.again();
  }, [now]);
  return (
    <Answer of={found}>
      {(recording) => <RecordingCard recording={recording} callStartedAt={callStartedAt} again={found.again} gone={gone} />}
    </Answer>
  );
}

/** How far it can be trusted; one of which nothing was made has no report. */
function useReport(recording: Recording): Asked<Report | null> {
  const path = { recording_id: recording.recording_id };
  const made = recording.status === 'available' || recording.files.length > 0;
  const ask = async () => (made ? got(api.GET('/api/v1/calls/recordings/{recording_id}/report', { params: { path } })) : null);
  return useAsk(ask, [recording.recording_id, stateOf(recording)]);
}

interface CardProps {
  recording: Recording;
  /** The transcript of the call goes along with the player; null where there is none beside it. */
  callStartedAt: string | null;
  again: () => void;
  /** It was deleted. */
  gone: () => void;
}

export function RecordingCard({ recording, callStartedAt, again, gone }: CardProps) {
  const { recording_id, mode, layout, next_layout: next } = recording;
  const report = useReport(recording);
  return (
    <>
      <Facts
        of={[
          [t('recording.id'), <code>{recording_id}</code>],
          [t('recording.state'), <State recording={recording} />],
          [t('recording.mode'), said('mode', mode)],
          ...(layout ? [[t('recording.layout'), next ? t('recording.nextLayout', { now: said('layout', layout), next: said('layout', next) }) : said('layout', layout)] as const] : []),
          [t('recording.started'), recording.started_at ? moment(recording.started_at) : t('value.none')],
          [t('call.lasts'), lengthOf(recording)],
          [t('recording.size'), sizeOf(recording)],
        ]}
      />
      <Player callStartedAt={callStartedAt} recording={recording} pauses={report.value?.pauses ?? []} />
      {!unfinished(recording) && (
        <p class="console__deeds">
          <Compose recording={recording} then={again} />
          <Confirm
            small
            label={t('recording.delete')}
            about={recording_id}
            title={t('recording.deleteTitle')}
            text={t('recording.deleteText')}
            go={t('recording.delete')}
            run={() => got(api.DELETE('/api/v1/calls/recordings/{recording_id}', { params: { path: { recording_id } } }))}
            then={gone}
          />
        </p>
      )}
      <Files recording={recording} />
      {recording.status === 'available' && <RecordingReport recording={recording} report={report} />}
    </>
  );
}

export function State({ recording }: { recording: Pick<Recording, 'status' | 'paused' | 'progress' | 'error'> }) {
  const { status, paused, progress, error } = recording;
  const making = status === 'processing' || status === 'uploading';
  return (
    <span class="console__marks">
      <Badge tone={TONES[status]}>{said('recordingStatus', status)}</Badge>
      {paused && status === 'active' && <Badge tone="busy">{t('recording.paused')}</Badge>}
      {making && (
        <span class="recordings__progress">
          <progress max={100} value={progress} aria-label={said('recordingStatus', status)} /> {progress} {t('unit.percent')}
        </span>
      )}
      {error && <span class="console__problem">{error}</span>}
    </span>
  );
}

/** Where in the call the recording begins, in milliseconds; one that an earlier version made does not say it to the millisecond. */
function beginsIn(call: string | null, { begins_at, started_at }: Recording): number {
  const begins = begins_at ?? started_at;
  return call && begins ? Date.parse(begins) - Date.parse(call) : 0;
}

/** The one file that everybody is in, where there is one, with what was said as captions. */
function Player({ callStartedAt, recording, pauses }: { callStartedAt: string | null; recording: Recording; pauses: Report['pauses'] }) {
  const file = recording.files.find(({ kind, url }) => (kind === 'audio' || kind === 'video') && url);
  const src = useFirst(file?.url, `${file?.name} ${file?.sha256}`);
  if (!file || !src) return null;
  const Media = file.kind === 'audio' ? 'audio' : 'video';
  const place = placeOf(beginsIn(callStartedAt, recording), pauses);
  const captions = recording.files.find(({ kind, url }) => kind === 'transcript' && url);
  const moved = ({ currentTarget }: Event) => currentTarget instanceof HTMLMediaElement && follow(currentTarget);
  return (
    <Media
      class="recordings__player"
      src={src}
      controls
      preload="metadata"
      aria-label={file.name}
      data-place={JSON.stringify(place)}
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

/** Of a track, who is in it; what is no track is of everybody. */
function whose({ display_name, user_id, source }: Recording['files'][number]): string {
  const name = display_name || user_id;
  if (!name) return t('report.everybody');
  return source ? `${name}, ${said('source', source)}` : name;
}

function Files({ recording }: { recording: Recording }) {
  if (recording.files.length === 0) return null;
  return (
    <Table
      caption={t('recording.files')}
      columns={[
        { head: t('file.name'), cell: (file: Recording['files'][number]) => (file.url ? <a href={file.url}>{file.name}</a> : file.name) },
        { head: t('report.who'), cell: (file) => whose(file) },
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
