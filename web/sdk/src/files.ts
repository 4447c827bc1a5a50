/** Files on their way to the server and back. */
import { ConnectionLost, ProblemError } from './errors';
import type { ProblemDetails, SharedFile } from './types';

export interface ShareOptions {
  /** With whom alone; else with everybody. */
  to?: string;
  /** How much of it is sent, 0 to 1. */
  onProgress?: (sent: number) => void;
  /** Gives it up: the promise rejects with an `AbortError`. */
  signal?: AbortSignal;
}

/** Sends a file. `fetch` cannot tell how much of it is sent; an `XMLHttpRequest` can. */
export function upload(url: string, key: string | null, file: Blob, { onProgress, signal }: ShareOptions): Promise<SharedFile> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open('POST', url);
    request.setRequestHeader('content-type', 'application/octet-stream');
    if (key) request.setRequestHeader('authorization', `Bearer ${key}`);
    request.responseType = 'json';
    request.upload.onprogress = ({ loaded, total }) => onProgress?.(total ? loaded / total : 0);
    request.onload = () => {
      if (request.status === 201) done(request.response as SharedFile);
      else failed(new ProblemError(refusal(request)));
    };
    request.onerror = () => failed(new ConnectionLost('the file did not reach the server'));
    request.onabort = () => failed(new DOMException('given up', 'AbortError'));
    request.onloadend = () => signal?.removeEventListener('abort', abort);
    if (signal?.aborted) return void failed(new DOMException('given up', 'AbortError'));
    signal?.addEventListener('abort', abort);
    request.send(file);
  });
}

function refusal({ status, statusText, response }: XMLHttpRequest): ProblemDetails {
  const said = (response ?? {}) as Partial<ProblemDetails>;
  return { type: 'about:blank', title: statusText, status, detail: '', code: `http-${status}`, request_id: '', ...said };
}
