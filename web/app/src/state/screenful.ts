/** What is on screen and how big, told to the meeting so that nothing unseen is sent. */
import type { Meeting, VideoSource, Wanted } from '@calls/sdk';

/** A glance at another tab should not cost a key frame from everybody. */
const HIDE_AFTER_MS = 5_000;

export class Screenful {
  readonly #meeting: Meeting;
  readonly #pictures = new Map<string, Wanted>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(meeting: Meeting) {
    this.#meeting = meeting;
    document.addEventListener('visibilitychange', this.#visibility);
  }

  put(participantId: string, source: VideoSource, width: number, height: number): void {
    this.#pictures.set(`${participantId}/${source}`, { participantId, source, width, height });
    this.#tell();
  }

  drop(participantId: string, source: VideoSource): void {
    if (this.#pictures.delete(`${participantId}/${source}`)) this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
    document.removeEventListener('visibilitychange', this.#visibility);
  }

  #tell(): void {
    // The largest first: if slots run out, the stage has one.
    const all = [...this.#pictures.values()].sort((a, b) => b.width * b.height - a.width * a.height);
    this.#meeting.show(all);
  }

  readonly #visibility = (): void => {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#meeting.show([]), HIDE_AFTER_MS);
    else this.#tell();
  };
}
