/** What each receive slot carries now, as the server's `slots` events say. */
import type { SlotState, Source } from '../types';

export class SlotBook {
  readonly #slots = new Map<string, SlotState>();

  /** Slots that are not named stay as they were. */
  apply(changes: readonly SlotState[]): void {
    for (const slot of changes) this.#slots.set(slot.mid, slot);
  }

  /** The slot that carries this source of theirs, if one does. */
  find(participantId: string, source: Source): SlotState | null {
    for (const slot of this.#slots.values()) {
      if (slot.participant_id === participantId && slot.source === source) return slot;
    }
    return null;
  }
}
