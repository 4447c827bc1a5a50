/** Which keys do what in a meeting. */
export const KEYS = {
  microphone: 'd',
  camera: 'e',
  hand: 'alt+h',
  chat: 'alt+c',
  people: 'alt+p',
  shortcuts: 'alt+k',
} as const;
