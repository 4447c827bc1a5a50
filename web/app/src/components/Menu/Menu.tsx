/** A small window over the page that a button opens; a click beside it or Escape closes it. */
import type { ComponentChildren } from 'preact';
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './Menu.css';

interface MenuProps {
  /** What the button's `popovertarget` names. */
  id: string;
  label: string;
  /** In the middle rather than at the end of the line. */
  centred?: boolean;
  children: ComponentChildren;
}

export function Menu({ id, label, centred = false, children }: MenuProps) {
  return (
    <div class={centred ? 'menu menu--centred' : 'menu'} id={id} popover="auto" role="group" aria-label={label}>
      {children}
    </div>
  );
}

export const closeMenu = (id: string): void => document.getElementById(id)?.hidePopover();

interface MenuItemProps {
  /** The menu that it closes. */
  menu: string;
  icon: IconName;
  label: string;
  /** Where it is one of several, or on or off. */
  pressed?: boolean;
  tone?: 'plain' | 'danger';
  onClick: () => void;
}

export function MenuItem({ menu, icon, label, pressed, tone = 'plain', onClick }: MenuItemProps) {
  const chosen = () => {
    closeMenu(menu);
    onClick();
  };
  return (
    <button class={`menu__item menu__item--${tone}`} type="button" aria-pressed={pressed} onClick={chosen}>
      <Icon name={icon} size={20} />
      <span class="menu__label">{label}</span>
      {pressed && <Icon name="check" size={18} />}
    </button>
  );
}
