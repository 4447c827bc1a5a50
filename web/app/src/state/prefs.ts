/** How a person likes the page; kept in the browser. */
import { BACKGROUNDS, CAMERA_MODES, NOISES, VOICE, type Background, type CameraMode, type VoiceSettings } from '@calls/sdk';
import { effect, signal } from '@preact/signals';
import { firstSpoken, isLanguage, type Language } from '../i18n/languages';
import { speak } from '../i18n/t';

const KEY = 'calls.prefs';

export const THEMES = ['system', 'light', 'dark'] as const;
export const LAYOUTS = ['auto', 'grid', 'speaker'] as const;
export const CAPTION_SIZES = ['small', 'medium', 'large'] as const;

/** `saver`: small pictures only; `audio`: none at all. */
export const TRAFFIC = ['full', 'saver', 'audio'] as const;

export interface Prefs {
  theme: (typeof THEMES)[number];
  /** Null: as the browser wishes. */
  language: Language | null;
  layout: (typeof LAYOUTS)[number];
  traffic: (typeof TRAFFIC)[number];
  /** How the camera is sent from the next meeting on. */
  camera: CameraMode;
  captions: boolean;
  captionSize: (typeof CAPTION_SIZES)[number];
  /** The own picture as in a mirror; others never see it so. */
  mirror: boolean;
  /** The own tile is not shown. */
  selfHidden: boolean;
  /** What becomes of the own voice before others hear it. */
  voice: VoiceSettings;
  /** What stands behind the own person. */
  background: Background;
  /** Keys do something (WCAG 2.1.4). */
  shortcuts: boolean;
}

/** Whatever is stored becomes a whole set: what is missing or no longer known is as at first. */
export function readPrefs(json: string | null): Prefs {
  const kept = parse(json);
  const one = <T extends string>(all: readonly T[], value: unknown): T =>
    all.find((known) => known === value) ?? (all[0] as T);
  const yes = (value: unknown, usually: boolean) => (typeof value === 'boolean' ? value : usually);
  return {
    theme: one(THEMES, kept['theme']),
    language: isLanguage(kept['language']) ? kept['language'] : null,
    layout: one(LAYOUTS, kept['layout']),
    traffic: one(TRAFFIC, kept['traffic']),
    camera: one(CAMERA_MODES, kept['camera']),
    captions: yes(kept['captions'], false),
    captionSize: CAPTION_SIZES.find((known) => known === kept['captionSize']) ?? 'medium',
    mirror: yes(kept['mirror'], true),
    selfHidden: yes(kept['selfHidden'], false),
    voice: readVoice(kept['voice']),
    background: one(BACKGROUNDS, kept['background']),
    shortcuts: yes(kept['shortcuts'], true),
  };
}

export const prefs = signal<Prefs>(readPrefs(globalThis.localStorage?.getItem(KEY) ?? null));

export function prefer(change: Partial<Prefs>): void {
  prefs.value = { ...prefs.value, ...change };
  localStorage.setItem(KEY, JSON.stringify(prefs.value));
  if ('language' in change) void speak(spoken());
}

/** The language that the page speaks. */
export const spoken = (): Language => prefs.value.language ?? firstSpoken(navigator.languages);

/** The theme is an attribute of the document, which its colours follow. */
export function followTheme(): void {
  effect(() => {
    const { theme } = prefs.value;
    if (theme === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = theme;
  });
}

function readVoice(kept: unknown): VoiceSettings {
  const { echoCancellation, autoGainControl, noise } = (kept ?? {}) as Partial<Record<keyof VoiceSettings, unknown>>;
  return {
    echoCancellation: echoCancellation !== false,
    autoGainControl: autoGainControl !== false,
    noise: NOISES.find((known) => known === noise) ?? VOICE.noise,
  };
}

function parse(json: string | null): Record<string, unknown> {
  try {
    return (JSON.parse(json ?? '{}') ?? {}) as Record<string, unknown>;
  } catch {
    return {};
  }
}
