/** Short notes that come and go by themselves. */
import { signal } from '@preact/signals';

export interface Toast {
  id: number;
  text: string;
  tone: 'plain' | 'bad';
  /** What it is about: there is one note of it, the latest. */
  about?: string;
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 5_000;

/** A note that asks for something stays longer. */
const SHOWN_WITH_ACTION_MS = 20_000;

/** More than these at once are a wall; the oldest makes room. */
const AT_ONCE = 4;

export const toasts = signal<readonly Toast[]>([]);

let made = 0;

export function toast(text: string, more: Partial<Pick<Toast, 'tone' | 'action' | 'about'>> = {}): void {
  const made = next(text, more);
  const others = toasts.value.filter((other) => other.text !== text && !isAbout(other, more.about));
  toasts.value = [...others, made].slice(-AT_ONCE);
  setTimeout(() => dismiss(made.id), made.action ? SHOWN_WITH_ACTION_MS : SHOWN_MS);
}

/** What they were about is over. */
export function clearToasts(): void {
  toasts.value = [];
}

/** What this one was about is settled. */
export function withdraw(about: string): void {
  toasts.value = toasts.value.filter((toast) => !isAbout(toast, about));
}

export const isSaid = (about: string): boolean => toasts.value.some((toast) => isAbout(toast, about));

const isAbout = (toast: Toast, about: string | undefined): boolean => about !== undefined && toast.about === about;

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}

const next = (text: string, more: Partial<Toast>): Toast => ({ tone: 'plain', ...more, text, id: (made += 1) });
