/** Everything that was said since we came, with a search. */
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../../i18n/t';
import { search } from '../../layout/captions';
import { elapsed } from '../../layout/text';
import type { MeetingStore } from '../../state/meeting-store';
import { Field } from '../Field/Field';
import { Panel } from '../Panel/Panel';
import './Transcript.css';

export function Transcript({ store }: { store: MeetingStore }) {
  const [typed, setTyped] = useState('');
  const end = useRef<HTMLDivElement>(null);
  const all = store.captions.lines.value;
  const lines = search(all, typed);
  useLayoutEffect(() => {
    if (!typed) end.current?.scrollIntoView({ block: 'end' });
  }, [lines.length, typed]);
  return (
    <Panel title={t('captions.transcript')} close={() => store.show(null)}>
      <div class="transcript__search">
        <Field label={t('captions.search')} value={typed} onInput={setTyped} />
      </div>
      {lines.length === 0 && <p class="transcript__empty">{t(all.length === 0 ? 'captions.empty' : 'captions.noMatch')}</p>}
      <div class="transcript" role="region" aria-label={t('captions.transcript')} tabIndex={0}>
        <ol class="transcript__lines">
          {lines.map(({ key, name, text, startMs, final }) => (
            <li class={final ? 'transcript__line' : 'transcript__line transcript__line--open'} key={key}>
              <p class="transcript__head">
                <strong>{name}</strong> <span>{elapsed(startMs / 1000)}</span>
              </p>
              <p dir="auto">{text}</p>
            </li>
          ))}
        </ol>
        <div ref={end} />
      </div>
    </Panel>
  );
}
