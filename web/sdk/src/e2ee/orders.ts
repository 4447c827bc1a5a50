/** What the page tells its worker. Keys go in and never come out. */
import type { Bytes } from './suites';

export type Order =
  /** Seal with this from now on. */
  | { do: 'seal'; kid: bigint; base: Bytes }
  /** Open with this, too. */
  | { do: 'open'; kid: bigint; base: Bytes }
  | { do: 'forget'; kid: bigint }
  /** Where there is no `RTCRtpScriptTransform`: the streams themselves. */
  | { do: 'pipe'; way: Way; readable: ReadableStream; writable: WritableStream };

/** Which way frames go. */
export type Way = 'out' | 'in';
