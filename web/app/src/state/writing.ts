/** What is being written in the chat, and to whom. It outlives the panel that it is written in. */
import type { ChatMessage, Member } from '@calls/sdk';
import { batch, computed, signal, type ReadonlySignal } from '@preact/signals';

export class Writing {
  readonly draft = signal('');
  /** Who alone is to read it; null: everybody. Whoever has left stays the reader, so that nothing private goes to all instead. */
  readonly reader = signal<Member | null>(null);
  /** The reader has left: nothing is sent until somebody else is chosen. */
  readonly gone = computed(() => this.reader.value !== null && !this.#here(this.reader.value.participant_id));
  readonly #members: ReadonlySignal<readonly Member[]>;

  constructor(members: ReadonlySignal<readonly Member[]>) {
    this.#members = members;
  }

  /** From now on it is for this person alone, or for everybody. */
  to(participantId: string | null): void {
    this.reader.value = this.#here(participantId) ?? null;
  }

  /** What could not be sent is there again, for whom it was, whatever was begun since. */
  putBack(text: string, reader: Member | null): void {
    batch(() => {
      this.draft.value = [text, this.draft.value].filter(Boolean).join('\n');
      this.reader.value = reader;
    });
  }

  /** Who wrote last, to us alone, while an answer would go to everybody. */
  whispered(last: ChatMessage | undefined, me: string): Member | null {
    return this.reader.value === null && last?.to === me ? (this.#here(last.from) ?? null) : null;
  }

  #here(id: string | null): Member | undefined {
    return this.#members.value.find(({ participant_id }) => participant_id === id);
  }
}
