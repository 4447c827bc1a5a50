/** Small signs that somebody shows for a moment: application messages, so the server needs no word for them. */
import { signal } from '@preact/signals';
import type { Meeting } from '@calls/sdk';

/** Under which topic they travel. */
const TOPIC = 'calls.reaction';

const SHOWN_MS = 4_000;

export const REACTIONS = ['thumb', 'heart', 'clap', 'laugh', 'wow', 'party'] as const;
export type Reaction = (typeof REACTIONS)[number];

export class Reactions {
  /** Who shows what now. */
  readonly shown = signal<ReadonlyMap<string, Reaction>>(new Map());
  readonly #meeting: Meeting;
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>();

  constructor(meeting: Meeting) {
    this.#meeting = meeting;
    meeting.on('data', ({ from, topic, payload }) => {
      const reaction = topic === TOPIC && read(payload);
      if (reaction) this.#show(from, reaction);
    });
  }

  async send(reaction: Reaction): Promise<void> {
    this.#show(this.#meeting.me, reaction);
    await this.#meeting.send(TOPIC, { reaction });
  }

  #show(id: string, reaction: Reaction): void {
    this.shown.value = new Map(this.shown.value).set(id, reaction);
    clearTimeout(this.#timers.get(id));
    this.#timers.set(id, setTimeout(() => this.#hide(id), SHOWN_MS));
  }

  #hide(id: string): void {
    const rest = new Map(this.shown.value);
    rest.delete(id);
    this.shown.value = rest;
  }
}

/** What came from elsewhere is a reaction that we know, or nothing. */
function read(payload: unknown): Reaction | null {
  const said = typeof payload === 'object' && payload !== null && 'reaction' in payload ? payload.reaction : null;
  return REACTIONS.find((known) => known === said) ?? null;
}
