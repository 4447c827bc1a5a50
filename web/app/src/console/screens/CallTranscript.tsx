/** What was said in a call: searched, and in step with the recording that plays beside it. */
import type { Call, Schemas, WireMember } from '@calls/sdk';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { elapsed } from '../../layout/text';
import { Answer } from '../components/Answer';
import { api, got } from '../state/api';
import { useAsk } from '../state/ask';
import { nameOf } from '../state/names';
import { jump, playing } from '../state/playing';
import { t } from '../words/t';

const LIVE_MS = 5000;

interface Line {
  key: number;
  who: string;
  text: string;
  /** In milliseconds from the beginning of the call. */
  start: number;
  end: number;
}

export function CallTranscript({ call, people }: { call: Call; people: readonly WireMember[] }) {
  const path = { call_id: call.call_id };
  const asked = useAsk(
    async () => (await got(api.GET('/api/v1/calls/{call_id}/transcript', { params: { path } }))) as Schemas['Transcript'], // JSON where nothing else is asked for
    [call.call_id, call.status, call.transcription],
    call.status !== 'ended' && call.transcription ? LIVE_MS : undefined, // each reading of it is in the audit log
  );
  const names = new Map(people.map((member) => [member.user_id, nameOf(member)]));
  return (
    <>
      <h2>{t('transcript.title')}</h2>
      <Answer of={asked}>
        {({ utterances }) =>
          utterances.length === 0 ? (
            <p class="console__empty">{t('transcript.empty')}</p>
          ) : (
            <Lines
              lines={utterances.map(({ user_id, text, start_ms, end_ms }, key) => {
                return { key, who: names.get(user_id) ?? user_id, text, start: start_ms, end: end_ms };
              })}
            />
          )
        }
      </Answer>
    </>
  );
}

/** Every word that is sought is in it, whoever said it. */
function matches({ who, text }: Line, sought: string): boolean {
  const whole = `${who} ${text}`.toLocaleLowerCase();
  return sought.toLocaleLowerCase().split(/\s+/).every((word) => whole.includes(word));
}

function Lines({ lines }: { lines: readonly Line[] }) {
  const [sought, setSought] = useState('');
  const found = sought.trim() ? lines.filter((line) => matches(line, sought.trim())) : lines;
  const at = playing.value;
  const spoken = at === null ? null : lines.findLast(({ start }) => start <= at.ms);
  const now = at !== null && spoken && at.ms <= spoken.end + 1500 ? spoken.key : null;
  const list = useRef<HTMLOListElement>(null);
  useLayoutEffect(() => {
    const line = list.current?.querySelector<HTMLElement>('[aria-current]');
    if (line && list.current) list.current.scrollTop = line.offsetTop - list.current.clientHeight / 2;
  }, [now]);
  return (
    <div class="transcript">
      <label class="transcript__search">
        {t('transcript.search')}
        <input type="search" value={sought} onInput={(event) => setSought(event.currentTarget.value)} />
      </label>
      <p class="visually-hidden" role="status">
        {sought.trim() ? t('transcript.found', { count: found.length }) : ''}
      </p>
      {found.length === 0 && <p class="console__empty">{t('transcript.noMatch')}</p>}
      <ol class="transcript__lines" ref={list} tabIndex={0} aria-label={t('transcript.title')}>
        {found.map((line) => (
          <li key={line.key} class="transcript__line" aria-current={line.key === now ? 'true' : undefined}>
            <button
              class="transcript__time"
              type="button"
              aria-label={t('transcript.jump', { time: elapsed(line.start / 1000) })}
              onClick={() => jump(line.start)}
            >
              {elapsed(line.start / 1000)}
            </button>
            <span>
              <strong>{line.who}</strong> {line.text}
            </span>
          </li>
        ))}
      </ol>
    </div>
  );
}
