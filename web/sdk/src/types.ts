/**
 * The server's words, under short names. Their shape is generated from the server's own OpenAPI document
 * (`npm run types`), so a change there that we do not follow does not compile here.
 */
import type { components, paths } from './schema';

export type { paths };

/** Every shape of the document. */
export type Schemas = components['schemas'];

export type Call = Schemas['Call'];
export type Caption = Schemas['Caption'];
export type ChatMessage = Schemas['ChatMessage'];
export type Connection = Schemas['Connection'];
export type CreateRoom = Schemas['CreateRoom'];
export type IceServer = Schemas['IceServer'];
export type JoinRoom = Schemas['JoinRoom'];
export type JoinedRoom = Schemas['JoinedRoom'];
export type Layers = Schemas['Layers'];
export type Limits = Schemas['Limits'];
export type Moderation = Schemas['Moderation'];
export type ProblemDetails = Schemas['ProblemDetails'];
export type PublishedMid = Schemas['PublishedMid'];
export type Quality = Schemas['Quality'];
export type RecordingEvent = Schemas['RecordingEvent'];
export type QualitySample = Schemas['QualitySample'];
export type Recording = Schemas['Recording'];
export type Role = Schemas['Role'];
export type Room = Schemas['Room'];
export type RoomNow = Schemas['RoomNow'];
export type SharedFile = Schemas['SharedFile'];
export type SlotState = Schemas['SlotState'];
export type Source = Schemas['Source'];
export type Speaker = Schemas['Speaker'];
export type TranscriptionEvent = Schemas['TranscriptionEvent'];
export type ViewSlot = Schemas['ViewSlot'];
export type Welcome = Schemas['Welcome'];
export type Bye = Schemas['Bye'];
export type ByeReason = Schemas['ByeReason'];
export type ServerFrame = Schemas['ServerFrame'];
export type ServerEvent = Schemas['Event'];
export type Request = Schemas['Request'];

/** Somebody as a call's history may tell of them too, where a presence has no id. */
export type WireMember = Schemas['Member'];

/** Somebody inside, whose presence surely has an id. */
export type Member = WireMember & { participant_id: string };

/** RFC 8259. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** What a picture can show. */
export type VideoSource = Extract<Source, 'camera' | 'screen'>;

/** May mute, remove, admit and lock. */
export const moderates = (role: Role): boolean => role === 'host' || role === 'moderator';
