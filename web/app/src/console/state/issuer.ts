/** Signing in by another issuer (OpenID Connect): an authorization code (RFC 6749 §4.1) with PKCE (RFC 7636), in this page alone. */
import { signal } from '@preact/signals';
import { t } from '../words/t';
import { key, signIn } from './api';
import { go } from './route';

/** What the server knows of the console at its issuer. */
export interface Client {
  issuer: string;
  client_id: string;
  audience: string;
  scope: string;
}

/** OpenID Connect Discovery 1.0 §3; what is of interest here. */
interface Endpoints {
  issuer: string;
  authorization_endpoint: string;
  token_endpoint: string;
  /** RFC 9207 §3: it always says who it is when it sends somebody back. */
  authorization_response_iss_parameter_supported?: boolean;
}

/** RFC 6749 §5.1. */
interface Tokens {
  access_token: string;
  expires_in?: number;
  refresh_token?: string;
}

/** Kept while somebody is at the issuer. */
interface UnderWay {
  state: string;
  verifier: string;
  back: string;
}

const UNDER_WAY = 'calls.console.sign-in';
/** Of the life of a token, when the next one is asked for. */
const IN_TIME = 0.8;
/** No timer is longer than a browser can count. */
const LONGEST_MS = 2 ** 31 - 1;

/** Outlives any token, so it is kept nowhere but here: a browser may write what a tab stores to disk. A reload forgets it. */
let refresh: string | null = null;

const redirectUri = (): string => `${location.origin}/console`;

/** Why somebody came back from the issuer without a token. */
export const refused = signal<string | null>(null);

/** Where people sign in; null where there are only keys, or where the browser has no means for it (an insecure page). */
export async function clientOf(): Promise<Client | null> {
  if (!globalThis.crypto?.subtle) return null;
  const reply = await fetch('/console/issuer.json');
  return reply.ok ? ((await reply.json()) as Client | null) : null;
}

/** Goes to the issuer; comes back to this page, and then to where one was. */
export async function visitIssuer(client: Client): Promise<void> {
  const { authorization_endpoint } = await endpoints(client);
  const under: UnderWay = { state: random(), verifier: random(), back: location.pathname + location.search };
  sessionStorage.setItem(UNDER_WAY, JSON.stringify(under));
  const to = new URL(authorization_endpoint);
  const asked = {
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri(),
    scope: client.scope,
    audience: client.audience,
    state: under.state,
    code_challenge: await challengeOf(under.verifier),
    code_challenge_method: 'S256',
  };
  for (const [name, value] of Object.entries(asked)) to.searchParams.set(name, value);
  location.assign(to);
}

/** Somebody comes back from the issuer. */
export function isBack(): boolean {
  const query = new URLSearchParams(location.search);
  return query.has('state') && (query.has('code') || query.has('error')) && sessionStorage.getItem(UNDER_WAY) !== null;
}

/** Takes what the issuer gave. It does not throw: why it came to nothing is in {@link refused}. */
export async function takeToken(): Promise<void> {
  const query = new URLSearchParams(location.search);
  const under = underWay();
  sessionStorage.removeItem(UNDER_WAY);
  try {
    go(under?.back ?? location.pathname, 'replace'); // a code is good once, and is not for the history
    const client = await clientOf();
    // A code that was asked for by somebody else.
    if (!client || !under || query.get('state') !== under.state) throw new Error('state');
    // Or comes from somebody else (RFC 9207 §2.4).
    const { authorization_response_iss_parameter_supported: named } = await endpoints(client);
    if ((query.get('iss') ?? (named ? null : client.issuer)) !== client.issuer) throw new Error('iss');
    const code = query.get('code');
    if (!code) throw new Error(query.get('error_description') ?? query.get('error') ?? '');
    await keep(client, await tokens(client, { grant_type: 'authorization_code', code, redirect_uri: redirectUri(), code_verifier: under.verifier }));
  } catch (error) {
    refused.value = t('signIn.refused', { detail: error instanceof Error ? error.message : String(error) });
  }
}

function underWay(): UnderWay | null {
  try {
    const { state, verifier, back } = JSON.parse(sessionStorage.getItem(UNDER_WAY) ?? '{}') as Partial<UnderWay>;
    return state && verifier && back ? { state, verifier, back } : null;
  } catch {
    return null;
  }
}

/** Whoever is signed out stays out. */
key.subscribe((value) => {
  if (value === null) refresh = null;
});

async function keep(client: Client, { access_token, expires_in, refresh_token }: Tokens, wanted = (): boolean => true): Promise<void> {
  if (!(await signIn(access_token, wanted)) || !refresh_token) return;
  refresh = refresh_token;
  if (expires_in) setTimeout(() => void renew(client, refresh_token), Math.min(expires_in * 1000 * IN_TIME, LONGEST_MS));
}

/** Where the issuer gives no other, the old one goes on until the server refuses it. */
async function renew(client: Client, refresh_token: string): Promise<void> {
  const wanted = (): boolean => refresh === refresh_token; // neither signed out nor renewed meanwhile
  if (!wanted()) return;
  const next = await tokens(client, { grant_type: 'refresh_token', refresh_token }).catch(() => null);
  if (next && wanted()) await keep(client, { refresh_token, ...next }, wanted).catch(() => undefined);
}

async function tokens(client: Client, asked: Record<string, string>): Promise<Tokens> {
  const { token_endpoint } = await endpoints(client);
  const body = new URLSearchParams({ ...asked, client_id: client.client_id });
  const reply = await fetch(token_endpoint, { method: 'POST', body });
  const said = (await reply.json()) as Tokens & { error?: string; error_description?: string };
  if (!reply.ok) throw new Error(said.error_description ?? said.error ?? reply.statusText);
  return said;
}

async function endpoints({ issuer }: Client): Promise<Endpoints> {
  const reply = await fetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  const found = (await reply.json()) as Endpoints;
  if (found.issuer !== issuer) throw new Error(found.issuer); // OpenID Connect Discovery 1.0 §4.3
  return found;
}

const random = (): string => base64url(crypto.getRandomValues(new Uint8Array(32)));

const challengeOf = async (verifier: string): Promise<string> =>
  base64url(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(verifier))));

const base64url = (bytes: Uint8Array): string =>
  btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
