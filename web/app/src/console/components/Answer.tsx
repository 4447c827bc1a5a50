/** What stands where an answer is shown, while there is none. */
import { ProblemError } from '@calls/sdk';
import type { ComponentChildren } from 'preact';
import { detailOf } from '../../state/detail';
import { follow, pathOf, type Screen } from '../state/route';
import { t } from '../words/t';

interface AnswerProps<T> {
  of: { value: T | null; error: unknown };
  /** The list that leads on from what is not there, or not any more. */
  list?: Extract<Screen, 'calls' | 'recordings' | 'rooms'>;
  children: (value: T) => ComponentChildren;
}

export function Answer<T>({ of: { value, error }, list, children }: AnswerProps<T>) {
  if (list && error instanceof ProblemError && error.status === 404) return <Missing list={list} />;
  return (
    <>
      {error !== null && (
        <p class="console__problem" role="alert">
          {t('answer.failed', { detail: detailOf(error) })}
        </p>
      )}
      {value !== null ? children(value) : error === null && <p class="console__wait">{t('answer.awaited')}</p>}
    </>
  );
}

function Missing({ list }: { list: 'calls' | 'recordings' | 'rooms' }) {
  return (
    <div class="console__empty console__missing" role="alert">
      <p>{t(`missing.${list}`)}</p>
      <a href={pathOf(list)} onClick={follow}>
        {t(`missing.back.${list}`)}
      </a>
    </div>
  );
}
