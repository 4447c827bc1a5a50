// Signing in to the console by another issuer: what is refused, and that nothing else is done then.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { fakePage } from './page';

const ISSUER = 'https://login.example.org';
const CLIENT = { issuer: ISSUER, client_id: 'console', audience: 'us', scope: 'openid' };

fakePage();
let at = new URL('http://server/console');
let gone: URL | null = null;
vi.stubGlobal('location', {
  get origin() {
    return at.origin;
  },
  get pathname() {
    return at.pathname;
  },
  get search() {
    return at.search;
  },
  assign: (to: URL) => (gone = new URL(to)),
});
const replaceState = vi.fn((_state: unknown, _title: string, path: string) => void (at = new URL(path, at)));
vi.stubGlobal('history', { replaceState });

/** What the issuer and the server answer; each may be changed by a test. */
let metadata: Record<string, unknown>;
let granted: () => Promise<[number, unknown]>;
let knows: boolean;
/** What was asked of the token endpoint. */
let asked: URLSearchParams[];

vi.stubGlobal('fetch', async (to: string, init?: { body: URLSearchParams }): Promise<Response> => {
  const json = (status: number, said: unknown): Response => new Response(JSON.stringify(said), { status });
  if (to === '/console/issuer.json') return json(200, CLIENT);
  if (to === `${ISSUER}/.well-known/openid-configuration`) return json(200, metadata);
  if (to === `${ISSUER}/token`) {
    asked.push(init!.body);
    return json(...(await granted()));
  }
  if (to.startsWith('/api/v1/calls/history')) return knows ? json(200, {}) : json(401, { code: 'unauthorized', detail: 'not one of ours' });
  throw new TypeError(to);
});

const { isBack, refused, takeToken, visitIssuer } = await import('../src/console/state/issuer');
const { key, signOut } = await import('../src/console/state/api');

beforeEach(async () => {
  vi.useFakeTimers();
  metadata = { issuer: ISSUER, authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token` };
  granted = async () => [200, { access_token: 'access-1', refresh_token: 'refresh-1', expires_in: 100 }];
  knows = true;
  asked = [];
  refused.value = null;
  at = new URL('http://server/console/audit?action=key.create');
  await visitIssuer(CLIENT);
});

afterEach(() => {
  signOut();
  sessionStorage.removeItem('calls.console.sign-in');
  vi.useRealTimers();
});

/** The issuer sends somebody back with this. */
async function comeBack(answer: Record<string, string>): Promise<void> {
  at = new URL(`http://server/console?${new URLSearchParams(answer)}`);
  await takeToken();
}

const state = (): string => gone!.searchParams.get('state')!;

test('who comes back with a code is in, and where they were', async () => {
  at = new URL(`http://server/console?state=${state()}&code=c1`);
  expect(isBack()).toBe(true);
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  expect([key.value, refused.value]).toEqual(['access-1', null]);
  expect(at.pathname + at.search).toBe('/console/audit?action=key.create');
  const verifier = new TextEncoder().encode(asked[0]!.get('code_verifier')!);
  const challenge = [...new Uint8Array(await crypto.subtle.digest('SHA-256', verifier))];
  const sent = atob(gone!.searchParams.get('code_challenge')!.replaceAll('-', '+').replaceAll('_', '/'));
  expect([...sent].map((byte) => byte.charCodeAt(0))).toEqual(challenge);
  expect(isBack()).toBe(false);
});

describe('nobody is let in, no code is sent anywhere and none stays in the address', () => {
  const tries: [string, () => Promise<void>][] = [
    ['by the answer to what somebody else asked', () => comeBack({ state: 'another', code: 'c1', iss: ISSUER })],
    ['by another issuer', () => comeBack({ state: state(), code: 'c1', iss: 'https://evil.example.org' })],
    [
      'by whoever does not say who they are where the issuer always does',
      () => {
        metadata.authorization_response_iss_parameter_supported = true;
        return comeBack({ state: state(), code: 'c1' });
      },
    ],
    [
      'by a discovery document of another issuer',
      () => {
        metadata.issuer = 'https://evil.example.org';
        return comeBack({ state: state(), code: 'c1', iss: ISSUER });
      },
    ],
    ['where the issuer says no', () => comeBack({ state: state(), error: 'access_denied', error_description: 'on holiday', iss: ISSUER })],
    [
      'where nothing is under way',
      () => {
        sessionStorage.removeItem('calls.console.sign-in');
        return comeBack({ state: 'undefined', code: 'c1', iss: ISSUER });
      },
    ],
    [
      'where what is under way cannot be read',
      () => {
        sessionStorage.setItem('calls.console.sign-in', '{');
        return comeBack({ state: state(), code: 'c1', iss: ISSUER });
      },
    ],
  ];
  test.each(tries)('%s', async (_, attempt) => {
    await attempt();
    expect(key.value).toBeNull();
    expect(refused.value).not.toBeNull();
    expect(asked).toEqual([]);
    expect(at.searchParams.has('code')).toBe(false);
  });
});

test('why the issuer or the server refuses is said', async () => {
  await comeBack({ state: state(), error: 'access_denied', error_description: 'on holiday', iss: ISSUER });
  expect(refused.value).toContain('on holiday');
  await visitIssuer(CLIENT);
  granted = async () => [400, { error: 'invalid_grant', error_description: 'the code is old' }];
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  expect(refused.value).toContain('the code is old');
  await visitIssuer(CLIENT);
  [granted, knows] = [async () => [200, { access_token: 'access-1' }], false];
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  expect([refused.value, key.value]).toEqual([expect.stringContaining('not one of ours'), null]);
});

test('a browser that does not let the address change is a refusal too', async () => {
  replaceState.mockImplementationOnce(() => {
    throw new Error('too often');
  });
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  expect([refused.value, key.value]).toEqual([expect.stringContaining('too often'), null]);
});

test('the token is renewed in time, and what renews it is stored nowhere', async () => {
  const setItem = vi.spyOn(sessionStorage, 'setItem');
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  granted = async () => [200, { access_token: 'access-2', expires_in: 100 }];
  await vi.advanceTimersByTimeAsync(80_000);
  expect(key.value).toBe('access-2');
  expect(asked[1]!.get('refresh_token')).toBe('refresh-1');
  expect(setItem.mock.calls.flat().join()).not.toContain('refresh');
  setItem.mockRestore();
});

test('who signs out while the token is renewed stays out', async () => {
  await comeBack({ state: state(), code: 'c1', iss: ISSUER });
  let answer: (said: [number, unknown]) => void = () => undefined;
  granted = () => new Promise((settle) => (answer = settle));
  await vi.advanceTimersByTimeAsync(80_000);
  expect(asked).toHaveLength(2);
  signOut();
  answer([200, { access_token: 'access-2', refresh_token: 'refresh-2', expires_in: 100 }]);
  await vi.advanceTimersByTimeAsync(100_000);
  expect([key.value, sessionStorage.getItem('calls.console.key')]).toEqual([null, null]);
  expect(asked).toHaveLength(2);
});
