/** Makes the file of everybody once more, from the tracks that are kept. */
import type { Recording } from '@calls/sdk';
import { useState } from 'preact/hooks';
import { Confirm } from '../components/Confirm';
import { api, got } from '../state/api';
import { composable, LAYOUTS, type Layout } from '../state/recordings';
import { said, t } from '../words/t';

export function Compose({ recording, then }: { recording: Recording; then: () => void }) {
  const { recording_id, layout: now } = recording;
  const [layout, setLayout] = useState<Layout>(now ?? 'grid');
  const what = composable(recording);
  if (!what) return null;
  const picked = (value: string) => setLayout(LAYOUTS.find((one) => one === value) ?? layout);
  return (
    <Confirm
      small
      mild
      label={t('compose.label')}
      about={recording_id}
      title={t('compose.title')}
      text={t(what === 'layout' ? 'compose.text' : 'compose.textSound')}
      go={t('compose.go')}
      run={() =>
        got(
          api.POST('/api/v1/calls/recordings/{recording_id}/compose', {
            params: { path: { recording_id } },
            body: what === 'layout' ? { layout } : {}, // where there are no pictures a layout is refused
          }),
        )
      }
      then={then}
    >
      {what === 'layout' && (
        <label class="filters__one">
          {t('recording.layout')}
          <select value={layout} onChange={(event) => picked(event.currentTarget.value)}>
            {LAYOUTS.map((one) => (
              <option key={one} value={one}>
                {said('layout', one)}
              </option>
            ))}
          </select>
        </label>
      )}
    </Confirm>
  );
}
