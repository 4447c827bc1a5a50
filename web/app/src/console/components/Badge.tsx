/** A state in a word; the colour only helps. */
import type { ComponentChildren } from 'preact';

export type Tone = 'good' | 'busy' | 'bad' | 'plain';

export function Badge({ tone = 'plain', children }: { tone?: Tone; children: ComponentChildren }) {
  return <span class={`badge badge--${tone}`}>{children}</span>;
}
