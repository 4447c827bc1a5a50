/** What the server finds wrong with a field, so that it can stand at that field. */
import { ProblemError } from '@calls/sdk';
import { detailOf } from '../../state/detail';
import { t } from '../words/t';

/** In the server's words, without those that say where. */
export function wrongWith(field: string, error: unknown): string | undefined {
  return error instanceof ProblemError ? error.problem.errors?.find(({ pointer }) => pointer === `/${field}`)?.detail : undefined;
}

/** Of an endpoint's address. What most often is wrong with one is said in the language of the page. */
export function wrongUrl(url: string, error: unknown): string {
  const detail = wrongWith('url', error);
  if (!detail) return detailOf(error);
  const isOne = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol);
  return isOne ? detail : t('webhook.notAnAddress');
}
