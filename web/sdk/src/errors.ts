/** What can go wrong, as values that a user interface can tell apart. */
import type { ProblemDetails } from './types';

/** The server refused: RFC 9457, with a stable `code`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';

  constructor(readonly problem: ProblemDetails) {
    super(problem.detail || problem.title);
  }

  get code(): string {
    return this.problem.code;
  }

  get status(): number {
    return this.problem.status;
  }

  /** Asking again later may help: the server is busy, slow or away. */
  get passing(): boolean {
    return this.status >= 500 || this.status === 429 || this.status === 408;
  }
}

/** The server could not be reached, or the socket dropped before it answered. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';

  constructor(what = 'the connection was lost') {
    super(what);
  }
}

/** This browser does not hand encoded frames to a worker. */
export class CannotEncrypt extends Error {
  override readonly name = 'CannotEncrypt';

  constructor() {
    super('this browser cannot encrypt end to end');
  }
}

/** Why a microphone, camera or screen did not open; `background`: what is behind the person could not be hidden. */
export type CaptureFailure = 'denied' | 'missing' | 'busy' | 'insecure' | 'unsupported' | 'canceled' | 'background';

/** A device did not open. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';

  constructor(readonly failure: CaptureFailure) {
    super(`capture failed: ${failure}`);
  }
}
