/** One control: an icon, its word below, and whether it is on. */
import { ariaKeys, keysOf } from '../../hooks/useShortcuts';
import { t } from '../../i18n/t';
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';

interface ToolButtonProps {
  icon: IconName;
  /** What it is (with `pressed`, on or off), or else what a click does now: never both change (WAI-ARIA, toggle buttons). */
  label: string;
  /** What a click does now, or why it does nothing. */
  hint?: string | undefined;
  look: 'on' | 'off' | 'lit' | 'leave' | 'end';
  pressed?: boolean;
  expanded?: boolean;
  badge?: { text: string; label: string } | undefined;
  shortcut?: string;
  disabled?: boolean;
  /** The menu that it opens. */
  menu?: string;
  onClick?: () => void;
}

export function ToolButton(props: ToolButtonProps) {
  const { icon, label, hint = label, look, pressed, expanded, badge, shortcut, disabled, menu, onClick } = props;
  return (
    <button
      class={`tool tool--${look}`}
      type="button"
      title={shortcut ? t('control.shortcut', { label: hint, keys: keysOf(shortcut) }) : hint}
      aria-pressed={pressed}
      aria-expanded={expanded}
      aria-keyshortcuts={shortcut && ariaKeys(shortcut)}
      popovertarget={menu}
      disabled={disabled}
      onClick={onClick}
    >
      <span class="tool__face">
        <Icon name={icon} size={23} />
        {badge && (
          <span class="tool__badge" aria-hidden="true">
            {badge.text}
          </span>
        )}
      </span>
      <span class="tool__label">{label}</span>
      {badge && <span class="visually-hidden">{badge.label}</span>}
    </button>
  );
}
