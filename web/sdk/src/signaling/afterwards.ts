/** What a client does once its socket is gone. */
import type { Bye, ByeReason } from '../types';

export interface Closed {
  /** The server's last word, if it said one. */
  bye: Bye | null;
  /** It came with a pass from before, and was not welcomed. */
  returning: boolean;
  /** How long there has been no welcomed socket. */
  downForMs: number;
  /** How long the server keeps our place. */
  keptForMs: number;
}

export type Next = { do: 'reopen' } | { do: 'rejoin' } | { do: 'stop'; reason: ByeReason };

/** A total choice: every way a socket can end has exactly one way on. */
export function afterwards({ bye, returning, downForMs, keptForMs }: Closed): Next {
  switch (bye?.retry) {
    case 'no':
      // A server that has forgotten our session may still let us in by the front door.
      return returning && bye.reason === 'unauthorized' ? { do: 'rejoin' } : { do: 'stop', reason: bye.reason };
    case 'rejoin':
      return { do: 'rejoin' };
    case 'resume':
    case undefined:
      return downForMs < keptForMs ? { do: 'reopen' } : { do: 'rejoin' };
  }
}
