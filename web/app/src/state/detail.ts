/** What went wrong, in the language of the page. A refusal that has no words here is told in the server's. */
import { CannotEncrypt, CaptureError, ConnectionLost, ProblemError } from '@calls/sdk';
import { has, t } from '../i18n/t';

export function detailOf(error: unknown): string {
  if (error instanceof ProblemError) {
    const key = `problem.${error.code}`;
    return has(key) ? t(key) : error.problem.detail || error.problem.title;
  }
  if (error instanceof ConnectionLost) return t('problem.offline');
  if (error instanceof CannotEncrypt) return t('e2ee.unsupported');
  if (error instanceof CaptureError) {
    const key = `capture.${error.failure}`;
    return t(has(key) ? key : 'capture.unsupported');
  }
  console.error(error); // no words can say more than that it was not foreseen
  return t('problem.unexpected');
}
