/** One recording, and the call that it is of. */
import { Answer } from '../components/Answer';
import { go, pathOf } from '../state/route';
import { t } from '../words/t';
import { CallLink, useKnown } from './parts';
import { RecordingCard, useRecording } from './RecordingCard';

export function RecordingPage({ recordingId }: { recordingId: string }) {
  const found = useRecording(recordingId);
  return (
    <>
      <h1>{t('recording.one')}</h1>
      <Answer of={found} list="recordings">
        {(recording) => (
          <>
            <OfCall id={recording.call_id} />
            <section class="recordings__one" aria-label={t('recording.one')}>
              <RecordingCard recording={recording} callStartedAt={null} again={found.again} gone={() => go(pathOf('recordings'))} />
            </section>
          </>
        )}
      </Answer>
    </>
  );
}

function OfCall({ id }: { id: string }) {
  const call = useKnown(id);
  return (
    <p>
      {t('recording.of')} <CallLink id={id} name={call?.name} />
      {call && call.people !== call.name && <span class="console__beside"> {call.people}</span>}
    </p>
  );
}
