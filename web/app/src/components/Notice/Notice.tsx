/** Something to know before deciding. */
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './Notice.css';

export function Notice({ icon, tone, text }: { icon: IconName; tone: 'plain' | 'warn'; text: string }) {
  return (
    <p class={`notice notice--${tone}`}>
      <Icon name={icon} size={18} />
      <span>{text}</span>
    </p>
  );
}
