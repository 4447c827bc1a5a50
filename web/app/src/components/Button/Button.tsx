/** A button with words. */
import type { ComponentChildren } from 'preact';
import { Icon } from '../Icon/Icon';
import type { IconName } from '../Icon/paths';
import './Button.css';

interface ButtonProps {
  children: ComponentChildren;
  look?: 'primary' | 'plain' | 'danger' | 'wary' | 'ghost';
  size?: 'small' | 'normal';
  icon?: IconName;
  type?: 'button' | 'submit';
  disabled?: boolean;
  /** Said instead of the visible words, which it must begin with or contain. */
  label?: string;
  onClick?: () => void;
}

export function Button(props: ButtonProps) {
  const { children, look = 'plain', size = 'normal', icon, type = 'button', disabled, label, onClick } = props;
  return (
    <button
      class={`button button--${look} button--${size}`}
      type={type}
      disabled={disabled}
      aria-label={label}
      onClick={onClick}
    >
      {icon && <Icon name={icon} size={18} />}
      {children}
    </button>
  );
}

interface IconButtonProps {
  icon: IconName;
  label: string;
  pressed?: boolean;
  onClick: () => void;
}

/** A small button that is all icon. */
export function IconButton({ icon, label, pressed, onClick }: IconButtonProps) {
  return (
    <button class="icon-button" type="button" aria-label={label} title={label} aria-pressed={pressed} onClick={onClick}>
      <Icon name={icon} size={20} />
    </button>
  );
}
