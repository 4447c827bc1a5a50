/** What is kept of a meeting, and what of it the person has taken note of. */
import { computed, signal } from '@preact/signals';
import { noticedIn, rememberNoticed } from './memory';

export type Kept = 'recording' | 'transcription';

export class Consent {
  readonly #kept = signal<readonly Kept[]>([]);
  readonly #noticed = signal<readonly Kept[]>([]);
  /** What is kept and was not taken note of. */
  readonly asked = computed(() => this.#kept.value.filter((one) => !this.#noticed.value.includes(one)));
  #call = '';

  /** Of what the same call kept before a reload, note was taken then. */
  enter(call: string): void {
    if (call === this.#call) return;
    this.#call = call;
    this.#noticed.value = noticedIn(call);
  }

  /** Says whether this is kept now. Whatever begins anew is asked for anew. */
  keep(what: Kept, kept: boolean): void {
    const others = this.#kept.value.filter((one) => one !== what);
    this.#kept.value = kept ? [...others, what] : others;
    if (!kept && this.#noticed.value.includes(what)) this.#notice(this.#noticed.value.filter((one) => one !== what));
  }

  understand(kept: readonly Kept[]): void {
    this.#notice([...this.#noticed.value, ...kept]);
  }

  #notice(noticed: readonly Kept[]): void {
    this.#noticed.value = noticed;
    rememberNoticed(this.#call, noticed);
  }
}

/** The words that ask for it. */
export function consentKey(asked: readonly Kept[], onlyVoices: boolean) {
  const recorded = asked.includes('recording');
  if (!recorded) return 'consent.transcription';
  if (!asked.includes('transcription')) return onlyVoices ? 'consent.voices' : 'consent.recording';
  return onlyVoices ? 'consent.voicesTranscription' : 'consent.recordingTranscription';
}
