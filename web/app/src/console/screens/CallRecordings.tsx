/** What was recorded of a call. */
import type { Call } from '@calls/sdk';
import { Answer } from '../components/Answer';
import { api, got } from '../state/api';
import { all, useAsk } from '../state/ask';
import { EVERY_MS } from '../state/recordings';
import { t } from '../words/t';
import { Listed } from './RecordingCard';

const MOST = 200;

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
                <li key={listed.recording_id} class="recordings__one">
                  <Listed listed={listed} callStartedAt={call.started_at ?? null} gone={list.again} />
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}
