/** One recording, and the call that it is of. */
import { Answer } from '../components/Answer';
import { go, pathOf } from '../state/route';
import { t } from '../words/t';
import { CallLink } from './parts';
import { RecordingCard, useRecording } from './RecordingCard';

export function RecordingPage({ recordingId }: { recordingId: string }) {
  const found = useRecording(recordingId);
  return (
    <>
      <h1>{t('recording.one')}</h1>
      <Answer of={found} list="recordings">
        {(recording) => (
          <>
            <p>
              {t('recording.of')} <CallLink id={recording.call_id} />
            </p>
            <section class="recordings__one" aria-label={t('recording.one')}>
              <RecordingCard recording={recording} callStartedAt={null} again={found.again} gone={() => go(pathOf('recordings'))} />
            </section>
          </>
        )}
      </Answer>
    </>
  );
}
