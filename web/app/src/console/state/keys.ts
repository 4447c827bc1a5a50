/** What becomes of whoever signed in when a key is revoked. */
import type { Schemas } from '@calls/sdk';
import type { Key } from '../words/t';

type ApiKey = Schemas['ApiKey'];

export const isOver = ({ expires_at }: Pick<ApiKey, 'expires_at'>): boolean => expires_at !== null && new Date(expires_at).getTime() <= Date.now();

/** A key begins with its name. */
export const isOwn = (name: string, signedInWith: string | null): boolean => Boolean(signedInWith?.startsWith(name));

const manages = (key: ApiKey): boolean => key.scopes.includes('keys') && !key.revoked_at && !isOver(key);

/** What is said before this key is revoked; `among` is all keys there are, or null where not all are known. */
export function revoking(key: ApiKey, among: readonly ApiKey[] | null, signedInWith: string | null): Key[] {
  const last = manages(key) && among !== null && !among.some((other) => other.name !== key.name && manages(other));
  return ['key.revokeText', ...(isOwn(key.name, signedInWith) ? ['key.revokeOwn' as const] : []), ...(last ? ['key.revokeLast' as const] : [])];
}
