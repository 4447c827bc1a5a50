/** What stands where an answer is shown, while there is none. */
import type { ComponentChildren } from 'preact';
import { detailOf } from '../../state/detail';
import { t } from '../words/t';

interface AnswerProps<T> {
  of: { value: T | null; error: unknown };
  children: (value: T) => ComponentChildren;
}

export function Answer<T>({ of: { value, error }, children }: AnswerProps<T>) {
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
