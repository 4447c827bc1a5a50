import type { Request, ServerFrame, Welcome } from '../src/types';

const CLOSED = 3;

/** A WebSocket whose other end is the test. */
export class FakeSocket {
  static opened: FakeSocket[] = [];
  readonly OPEN = 1;
  readyState = 0;
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: (() => void) | null = null;
  readonly sent: (Request & { id?: number })[] = [];

  constructor(readonly url: string) {
    FakeSocket.opened.push(this);
  }

  static get last(): FakeSocket {
    const last = FakeSocket.opened.at(-1);
    if (!last) throw new Error('no socket was opened');
    return last;
  }

  accept(): this {
    this.readyState = this.OPEN;
    this.onopen?.();
    return this;
  }

  say(frame: ServerFrame | object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Request);
  }

  close(): void {
    if (this.readyState === CLOSED) return;
    this.readyState = CLOSED;
    this.onclose?.();
  }
}

export const openFake = (url: string): WebSocket => new FakeSocket(url) as unknown as WebSocket;

export function welcome(session: string): Welcome {
  return {
    session,
    resume_token: `resume-${session}`,
    participant_id: 'part_1',
    call: {
      call_id: 'call_1',
      type: 'video',
      status: 'active',
      participants: [],
      started_at: null,
      duration_seconds: 0,
      recording: false,
      transcription: false,
      kind: 'conference',
      to: [],
      room_id: null,
      from: null,
      end_reason: null,
      created_at: null,
      ended_at: null,
      metadata: {},
    },
    room: null,
    roster: [],
    chat: [],
    ice_servers: [],
    limits: { max_frame_bytes: 262144, frames_per_second: 20, audio_slots: 3, video_slots: 10, resume_seconds: 30, max_file_bytes: 1_000_000 },
  };
}
