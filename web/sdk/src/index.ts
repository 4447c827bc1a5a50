/** The browser's side of Calls, without a user interface. */
export { CallsClient, type ClientOptions } from './client';
export { AS_IT_IS, BACKGROUNDS, canReplaceBackground, type Background, type Look } from './devices/background';
export { canShareScreen } from './devices/capture';
export { NO_DEVICES, watchDevices, type Device, type Devices } from './devices/list';
export { LocalMedia, type LocalState, type LocalTrack, type UserDevice } from './devices/local-media';
export { canDenoise, NOISES, VOICE, type Noise, type VoiceSettings } from './devices/voice';
export { meter } from './devices/meter';
export type { Encryption, PeerKey } from './e2ee/encryption';
export { testTone } from './devices/test-tone';
export { CannotEncrypt, CaptureError, ConnectionLost, ProblemError, type CaptureFailure } from './errors';
export type { Picture } from './meeting/floor';
export type { ShareOptions } from './files';
export { Meeting, type MeetingOptions, type MeetingState } from './meeting/meeting';
export type { Wanted } from './meeting/view';
export { CAMERA_MODES, canScale, type CameraMode } from './rtc/encodings';
export type { Figures, Flow } from './rtc/figures';
export type { Ending, Pass } from './signaling/signaling';
export { subjectOf } from './token';
export * from './types';

/** Comes when it is needed: most rooms are not encrypted end to end. */
export const loadEncryption = () => import('./e2ee/encryption');
