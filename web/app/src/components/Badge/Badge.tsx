/** Says in the header what is going on with everybody's words and pictures. */
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './Badge.css';

interface BadgeProps {
  icon: IconName;
  tone: 'plain' | 'warn' | 'live';
  text: string;
}

export function Badge({ icon, tone, text }: BadgeProps) {
  return (
    <span class={`badge badge--${tone}`} title={text}>
      <Icon name={icon} size={15} />
      <span class="badge__text">{text}</span>
    </span>
  );
}
