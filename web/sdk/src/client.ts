/** The REST side of the server, as far as a person in a browser needs it. */
import { ConnectionLost, ProblemError } from './errors';
import { upload, type ShareOptions } from './files';
import type { Call, CreateRoom, JoinRoom, JoinedRoom, ProblemDetails, Room, RoomNow, SharedFile } from './types';

export interface ClientOptions {
  /** Where the server is; the page's own origin where it is left out. */
  base?: string;
  /** An API key, or a join token. Never put a key into a page that strangers load. */
  key?: string | null;
  fetch?: typeof fetch;
}

export class CallsClient {
  readonly #base: string;
  readonly #key: string | null;
  readonly #fetch: typeof fetch;

  constructor({ base = '', key = null, fetch: send = globalThis.fetch.bind(globalThis) }: ClientOptions = {}) {
    this.#base = `${base}/api/v1/calls`;
    this.#key = key;
    this.#fetch = send;
  }

  createRoom(body: CreateRoom): Promise<Room> {
    return this.#ask('POST', '/rooms', body);
  }

  room(roomId: string): Promise<RoomNow> {
    return this.#ask('GET', `/rooms/${encodeURIComponent(roomId)}`);
  }

  joinRoom(roomId: string, body: JoinRoom): Promise<JoinedRoom> {
    return this.#ask('POST', `/rooms/${encodeURIComponent(roomId)}/join`, body);
  }

  /** Ends a call for everybody; only its host may. */
  endCall(callId: string): Promise<Call> {
    return this.#ask('POST', `/${encodeURIComponent(callId)}/end`);
  }

  /** Shares a file in the chat of a call. */
  shareFile(callId: string, file: Blob, name: string, options: ShareOptions = {}): Promise<SharedFile> {
    const query = new URLSearchParams(options.to === undefined ? { name } : { name, to: options.to });
    return upload(`${this.#base}/${encodeURIComponent(callId)}/files?${query}`, this.#key, file, options);
  }

  async fetchFile(callId: string, fileId: string): Promise<Blob> {
    return (await this.#send('GET', `/${encodeURIComponent(callId)}/files/${encodeURIComponent(fileId)}`)).blob();
  }

  async deleteFile(callId: string, fileId: string): Promise<void> {
    await this.#send('DELETE', `/${encodeURIComponent(callId)}/files/${encodeURIComponent(fileId)}`);
  }

  /** Where a signaling socket is opened with a token that came by another way. */
  get socketUrl(): string {
    const url = new URL(`${this.#base}/ws`, globalThis.location?.href);
    url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
    return url.href;
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    return (await (await this.#send(method, path, body)).json()) as T;
  }

  async #send(method: string, path: string, body?: unknown): Promise<Response> {
    const headers = new Headers({ accept: 'application/json' });
    if (this.#key) headers.set('authorization', `Bearer ${this.#key}`);
    if (body !== undefined) headers.set('content-type', 'application/json');
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);

    const response = await this.#fetch(this.#base + path, init).catch(() => {
      throw new ConnectionLost('the server cannot be reached');
    });
    if (!response.ok) throw new ProblemError(await problemOf(response));
    return response;
  }
}

/** What the server says about a refusal, or the bare status when something between us answered. */
async function problemOf(response: Response): Promise<ProblemDetails> {
  const said = (await response.json().catch(() => ({}))) as Partial<ProblemDetails>;
  return {
    type: 'about:blank',
    title: response.statusText,
    status: response.status,
    detail: '',
    code: `http-${response.status}`,
    request_id: '',
    ...said,
  };
}
