// An OpenID Connect issuer for one client: it lets everybody in, and holds to the protocol.
import { createHash, generateKeyPairSync, randomUUID, sign } from 'node:crypto';
import { createServer } from 'node:http';

export const AUDIENCE = 'https://calls.example.org';
export const CLIENT = 'calls-console';

const json64 = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** `url`: its name; `scope`: what its next tokens are good for; `refuses`: what it says instead of letting somebody in. */
export async function startIssuer() {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const codes = new Map();
  const refreshes = new Set();
  const issuer = { url: '', scope: 'openid calls:calls calls:rooms calls:admin', lifeSeconds: 600, refuses: null, renewed: 0 };

  function token() {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: issuer.url, aud: AUDIENCE, sub: 'olga', iat: now, exp: now + issuer.lifeSeconds, scope: issuer.scope, org_id: 'default', jti: randomUUID() };
    const text = `${json64({ alg: 'RS256', kid: 'k1', typ: 'at+jwt' })}.${json64(claims)}`;
    return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
  }

  function grant() {
    const refresh_token = randomUUID();
    refreshes.add(refresh_token);
    return [200, { access_token: token(), token_type: 'Bearer', expires_in: issuer.lifeSeconds, refresh_token }];
  }

  /** RFC 6749 §4.1.1. */
  function authorize(query) {
    const to = new URL(query.get('redirect_uri'));
    const asked = ['client_id', 'response_type', 'code_challenge_method'].map((name) => query.get(name)).join();
    if (asked !== `${CLIENT},code,S256`) return [400, { error: 'invalid_request' }];
    const answer = { state: query.get('state'), iss: issuer.url };
    if (issuer.refuses) Object.assign(answer, { error: 'access_denied', error_description: issuer.refuses });
    else {
      answer.code = randomUUID();
      codes.set(answer.code, { challenge: query.get('code_challenge'), redirect_uri: to.href });
    }
    for (const [name, value] of Object.entries(answer)) to.searchParams.set(name, value);
    return [302, to.href];
  }

  /** RFC 6749 §4.1.3, RFC 7636 §4.6. */
  function exchange(form) {
    if (form.get('client_id') !== CLIENT) return [401, { error: 'invalid_client' }];
    if (form.get('grant_type') === 'refresh_token') {
      if (!refreshes.delete(form.get('refresh_token'))) return [400, { error: 'invalid_grant' }];
      issuer.renewed += 1;
      return grant();
    }
    const begun = codes.get(form.get('code'));
    codes.delete(form.get('code'));
    const challenge = createHash('sha256').update(form.get('code_verifier') ?? '').digest('base64url');
    const good = begun && begun.challenge === challenge && begun.redirect_uri === form.get('redirect_uri');
    return good ? grant() : [400, { error: 'invalid_grant' }];
  }

  async function answer(request) {
    const { pathname, searchParams } = new URL(request.url, issuer.url);
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return [200, { issuer: issuer.url, authorization_endpoint: `${issuer.url}/authorize`, token_endpoint: `${issuer.url}/token`, jwks_uri: `${issuer.url}/keys` }];
      case '/keys':
        return [200, { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k1', alg: 'RS256', use: 'sig' }] }];
      case '/authorize':
        return authorize(searchParams);
      case '/token': {
        const body = [];
        for await (const chunk of request) body.push(chunk);
        return exchange(new URLSearchParams(Buffer.concat(body).toString()));
      }
      default:
        return [404, {}];
    }
  }

  const server = createServer((request, reply) => {
    void answer(request).then(([status, said]) => {
      if (status === 302) return reply.writeHead(302, { location: said }).end();
      reply.writeHead(status, { 'content-type': 'application/json', 'access-control-allow-origin': '*' }).end(JSON.stringify(said));
    });
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  issuer.url = `http://127.0.0.1:${server.address().port}`;
  issuer.stop = () => new Promise((done) => server.close(done).closeAllConnections());
  return issuer;
}
