/** A line across the meeting that says what is going on, and what can be done about it. */
import type { ComponentChildren } from 'preact';
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './Banner.css';

interface BannerProps {
  icon: IconName;
  tone: 'accent' | 'warn';
  /** What it is about, in its sign's place. */
  picture?: ComponentChildren;
  children: ComponentChildren;
  action?: ComponentChildren;
}

export function Banner({ icon, tone, picture, children, action }: BannerProps) {
  return (
    <div class={`banner banner--${tone}`} role="status">
      {picture ? <div class="banner__picture">{picture}</div> : <Icon name={icon} size={18} />}
      <span>{children}</span>
      {action}
    </div>
  );
}
