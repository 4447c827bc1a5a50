/** What people know calls and rooms by. A table of many asks for all of them at once. */
import type { Call, WireMember } from '@calls/sdk';
import { t } from '../words/t';
import { api, got } from './api';
import { once, together } from './together';

/** Names in a row; beyond this many, how many more. */
const NAMES = 4;

export const nameOf = ({ display_name, user_id }: WireMember): string => display_name || user_id;

export function namesOf(members: readonly WireMember[]): string {
  // Others in the call do not learn of who is hidden; whoever runs the server does, and is told that they do not.
  const named = (member: WireMember) => (member.hidden ? t('call.hiddenName', { name: nameOf(member) }) : nameOf(member));
  const names = members.slice(0, NAMES).map(named).join(', ');
  const rest = members.length - NAMES;
  return rest > 0 ? t('call.namesAndMore', { names, rest }) : names;
}

const MOST = { params: { query: { limit: 100 } } };

export const roomName = once(
  together<string | undefined>({
    list: async () => new Map((await got(api.GET('/api/v1/calls/rooms', MOST))).data.map(({ room_id, name }) => [room_id, name])),
    single: (room_id) =>
      got(api.GET('/api/v1/calls/rooms/{room_id}', { params: { path: { room_id } } })).then(
        ({ name }) => name,
        () => undefined, // deleted meanwhile: its id has to do
      ),
  }),
  () => true,
);

const call = once(
  together<Call>({
    list: async () => new Map((await got(api.GET('/api/v1/calls/history', MOST))).data.map((one) => [one.call_id, one])),
    single: (call_id) => got(api.GET('/api/v1/calls/{call_id}', { params: { path: { call_id } } })),
  }),
  ({ status }) => status === 'ended', // to others more may come
);

/** What people know a call by. */
export interface Known {
  /** The name of its room, else of who was in it. */
  name: string;
  people: string;
}

/** Undefined where nobody came into it and it has no room any more. */
export async function knownCall(id: string): Promise<Known | undefined> {
  const { room_id, participants } = await call(id);
  const people = namesOf(participants);
  const name = (room_id && (await roomName(room_id))) || people;
  return name ? { name, people } : undefined;
}
