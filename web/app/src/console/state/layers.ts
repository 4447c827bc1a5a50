/** Which layers of pictures came from each and went to each, as lines that people read. */
import type { QualitySample } from '@calls/sdk';
import { t } from '../words/t';
import type { Entry, Names } from './timeline';

/** Means of heights waver with every tile; each layer has twice the height of the next. */
const LEAST_CHANGE = 1.5;

interface Told {
  sent: number | null;
  received: number | null;
  reduced: boolean;
}

/** When somebody's picture went to another layer, and when the pictures they get did. */
export function layers(samples: readonly QualitySample[], name: Names): Entry[] {
  const before = new Map<string, Told>();
  const ordered = [...samples].sort((a, b) => Date.parse(a.at) - Date.parse(b.at));
  return ordered.flatMap((sample): Entry[] => {
    const { at, participant_id: id, up_height, down_height } = sample;
    const told = before.get(id) ?? { sent: null, received: null, reduced: false };
    const reduced = (sample.reduced_pictures ?? 0) > 0;
    const entry = (about: string, text: string, tone: Entry['tone']): Entry => ({
      key: `${id} ${at} ${about}`,
      at: Date.parse(at),
      about: 'layers',
      tone,
      text,
    });
    const entries: Entry[] = [];
    if (up_height != null && up_height !== told.sent) {
      entries.push(entry('sent', t('timeline.sends', { name: name(id), height: up_height }), 'plain'));
    }
    const changed = reduced !== told.reduced || differs(down_height ?? null, told.received);
    const got = changed ? received(sample, name(id)) : null;
    if (got) entries.push(entry('received', got, reduced ? 'busy' : 'plain'));
    before.set(id, {
      sent: up_height ?? told.sent,
      received: changed ? (down_height ?? told.received) : told.received,
      reduced,
    });
    return entries;
  });
}

const differs = (height: number | null, told: number | null): boolean =>
  height !== null && (told === null || Math.max(height, told) / Math.min(height, told) >= LEAST_CHANGE);

function received({ down_height, pictures, reduced_pictures }: QualitySample, name: string): string | null {
  const values = { name, height: down_height ?? 0, pictures: pictures ?? 0, reduced: reduced_pictures ?? 0 };
  if (values.reduced > 0) return t(down_height == null ? 'timeline.getsNone' : 'timeline.getsLess', values);
  return down_height == null ? null : t('timeline.gets', values);
}
