/** REST with the key of whoever is signed in. Paths and shapes are those of the server's own OpenAPI document. */
import { ConnectionLost, ProblemError, type paths, type ProblemDetails } from '@calls/sdk';
import { signal } from '@preact/signals';
import createClient from 'openapi-fetch';

/** A tab's own: a key that outlives the tab would lie about for whoever sits down next. */
const KEPT = 'calls.console.key';

/** The API key; empty where the server asks for none; null before anybody signed in. */
export const key = signal<string | null>(sessionStorage.getItem(KEPT));

export const api = createClient<paths>({ baseUrl: location.origin });

api.use({
  onRequest({ request }) {
    if (key.value) request.headers.set('authorization', `Bearer ${key.value}`);
    return request;
  },
  onError() {
    return new ConnectionLost('the server cannot be reached');
  },
});

/** Lets in who has this key, if that is still `wanted` when the server has looked at it; throws where the server does not know it. */
export async function signIn(typed: string, wanted = (): boolean => true): Promise<boolean> {
  const headers = new Headers(typed ? { authorization: `Bearer ${typed}` } : {});
  const reply = await fetch('/api/v1/calls/history?limit=1', { headers });
  if (!reply.ok) {
    const problem = (await reply.json()) as ProblemDetails;
    if (problem.code !== 'scope-missing') throw new ProblemError(problem); // else the key is good, for other screens
  }
  if (!wanted()) return false;
  sessionStorage.setItem(KEPT, typed);
  key.value = typed;
  return true;
}

export function signOut(): void {
  sessionStorage.removeItem(KEPT);
  key.value = null;
}

interface Reply<T> {
  data?: T;
  error?: unknown;
  response: Response;
}

/** What the server sent, or its refusal thrown. */
export async function got<T>(asking: Promise<Reply<T>>): Promise<T> {
  const { data, error, response } = await asking;
  if (response.ok) return data as T;
  if (response.status === 401) signOut(); // revoked meanwhile
  const bare = { type: 'about:blank', title: response.statusText, status: response.status, detail: '', code: '', request_id: '' };
  throw new ProblemError({ ...bare, ...(error as Partial<ProblemDetails> | undefined) });
}
