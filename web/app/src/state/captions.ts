/** The written words of a meeting: whether they are taken down, and what they are. */
import { signal } from '@preact/signals';
import { hear, type Line, type Said } from '../layout/captions';

export class Captions {
  readonly running = signal(false);
  readonly lines = signal<readonly Line[]>([]);
  /** The person has taken note that words are written down. */
  readonly known = signal(false);

  hear(said: Said, name: string): void {
    this.lines.value = hear(this.lines.value, said, name, Date.now());
  }

  run(running: boolean): void {
    if (running && !this.running.value) this.known.value = false;
    this.running.value = running;
  }
}
