/** What is on screen and how big, told to the meeting so that nothing unseen is sent. */
import type { Meeting, VideoSource, Wanted } from '@calls/sdk';
import { effect } from '@preact/signals';
import { prefs, type Prefs } from './prefs';

/** A glance at another tab should not cost a key frame from everybody. */
const HIDE_AFTER_MS = 5_000;

/** Whoever saves data sees faces no larger than this, in device pixels: the smallest encoding. */
const FRUGAL = { width: 320, height: 180 };

export class Screenful {
  readonly #meeting: Meeting;
  /** By the tile that shows it: one that moves elsewhere on the screen may be there anew before it is gone from where it was. */
  readonly #pictures = new Map<symbol, Wanted>();
  readonly #forget: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The tab is out of sight for good, until it is back. */
  #hidden = false;

  constructor(meeting: Meeting) {
    this.#meeting = meeting;
    document.addEventListener('visibilitychange', this.#visibility);
    this.#forget = effect(() => {
      meeting.sendFrugally(prefs.value.traffic !== 'full');
      this.#tell();
    });
  }

  put(tile: symbol, participantId: string, source: VideoSource, width: number, height: number): void {
    this.#pictures.set(tile, { participantId, source, width, height });
    this.#tell();
  }

  drop(tile: symbol): void {
    if (this.#pictures.delete(tile)) this.#tell();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#forget();
    document.removeEventListener('visibilitychange', this.#visibility);
  }

  #tell(): void {
    const { traffic } = prefs.value;
    this.#meeting.show(this.#hidden ? [] : affordable([...this.#pictures.values()], traffic));
  }

  readonly #visibility = (): void => {
    clearTimeout(this.#timer);
    if (document.hidden) this.#timer = setTimeout(() => this.#hide(true), HIDE_AFTER_MS);
    else this.#hide(false);
  };

  #hide(hidden: boolean): void {
    this.#hidden = hidden;
    this.#tell();
  }
}

/** The largest first, each picture once: if slots run out, the stage has one. What is read on a screen stays as large as it is. */
export function affordable(pictures: readonly Wanted[], traffic: Prefs['traffic']): Wanted[] {
  if (traffic === 'audio') return [];
  const frugal = (picture: Wanted): Wanted =>
    traffic === 'full' || picture.source === 'screen'
      ? picture
      : { ...picture, width: Math.min(picture.width, FRUGAL.width), height: Math.min(picture.height, FRUGAL.height) };
  const largest = pictures.toSorted((a, b) => b.width * b.height - a.width * a.height);
  const same = (a: Wanted) => (b: Wanted) => a.participantId === b.participantId && a.source === b.source;
  return largest.filter((picture, at) => largest.findIndex(same(picture)) === at).map(frugal);
}
