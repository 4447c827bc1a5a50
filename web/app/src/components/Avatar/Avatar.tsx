/** Somebody without a picture: the letters of their name on a colour of their own. */
import { hueOf, initials } from '../../layout/text';
import './Avatar.css';

interface AvatarProps {
  name: string;
  size?: 'small' | 'tile';
}

export function Avatar({ name, size = 'tile' }: AvatarProps) {
  return (
    <span class={`avatar avatar--${size}`} style={{ '--hue': String(hueOf(name)) }} aria-hidden="true">
      {initials(name)}
    </span>
  );
}
