/** Line icons of one hand, drawn on a 24 px grid. */
import { PATHS, type IconName } from './paths';
import './Icon.css';

interface IconProps {
  name: IconName;
  size?: number;
}

/** Those that point along the line of text. */
const FLIPS: ReadonlySet<IconName> = new Set(['send', 'next', 'before', 'speaker']);

/** Always beside a text or inside a labelled control, so never read aloud itself. */
export function Icon({ name, size = 22 }: IconProps) {
  return (
    <svg class={FLIPS.has(name) ? 'icon icon--flips' : 'icon'} viewBox="0 0 24 24" width={size} height={size} aria-hidden="true" focusable="false">
      {PATHS[name].map((d) => (
        <path key={d} d={d} />
      ))}
    </svg>
  );
}
