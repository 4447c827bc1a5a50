/** Why a door stayed shut, in words. */
import { ConnectionLost, ProblemError, type ProblemDetails } from '@calls/sdk';
import { has, t } from '../i18n/t';
import { detailOf } from './detail';

export interface Refusal {
  text: string;
  /** The password is what is missing or wrong. */
  password: boolean;
  /** No other try will help: there is no such room, or it is not for strangers. */
  nowhere: 'not-found' | 'unauthorized' | null;
}

export function refusalOf(error: ProblemDetails | unknown): Refusal {
  if (error instanceof ConnectionLost) return refusal(t('join.offline'));
  const problem = error instanceof ProblemError ? error.problem : isProblem(error) ? error : null;
  const code = problem?.code;
  if (code === 'wrong-password') return refusal(t('lobby.passwordWrong'), { password: true });
  if (code === 'password-required') return refusal(t('lobby.passwordNeeded'), { password: true });
  const key = `join.${code}`;
  const detail = problem ? detailOf(new ProblemError(problem)) : detailOf(error);
  const nowhere = code === 'not-found' || code === 'unauthorized' ? code : null;
  return refusal(has(key) ? t(key) : t('join.other', { detail }), { nowhere });
}

const refusal = (text: string, more: Partial<Refusal> = {}): Refusal => ({ text, password: false, nowhere: null, ...more });

const isProblem = (error: unknown): error is ProblemDetails =>
  typeof error === 'object' && error !== null && 'code' in error && 'status' in error;
