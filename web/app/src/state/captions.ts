/** The written words of a meeting: whether they are taken down, and what they are. */
import { signal } from '@preact/signals';
import { hear, type Line, type Said } from '../layout/captions';

export class Captions {
  readonly running = signal(false);
  readonly lines = signal<readonly Line[]>([]);

  hear(said: Said, name: string): void {
    this.lines.value = hear(this.lines.value, said, name, Date.now());
  }
}
