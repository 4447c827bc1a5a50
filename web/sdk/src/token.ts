/** What a client may read from its own join token (JWT, RFC 7519). Only the server can tell whether it is good. */

/** Whose the token is; null where it is no token. */
export function subjectOf(token: string): string | null {
  try {
    const claims: unknown = JSON.parse(utf8(token.split('.')[1] ?? ''));
    const { sub } = claims as { sub?: unknown };
    return typeof sub === 'string' ? sub : null;
  } catch {
    return null;
  }
}

/** base64url without padding (RFC 4648 §5). */
function utf8(encoded: string): string {
  const bytes = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'));
  return new TextDecoder().decode(Uint8Array.from(bytes, (byte) => byte.charCodeAt(0)));
}
