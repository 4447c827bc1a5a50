/** One room: its rules, who is inside, what was there. */
import type { Call, Room } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Act } from '../components/Act';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Facts } from '../components/Facts';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { useAsk, usePages } from '../state/ask';
import { moment } from '../state/format';
import { namesOf } from '../state/names';
import { go, pathOf } from '../state/route';
import { CallLink, Marks } from './parts';
import { said, t } from '../words/t';

const EVERY_MS = 5000;
const RULES = ['allow_recording', 'auto_transcribe', 'require_password', 'waiting_room'] as const;

export function RoomPage({ roomId }: { roomId: string }) {
  const path = { room_id: roomId };
  const room = useAsk(() => got(api.GET('/api/v1/calls/rooms/{room_id}', { params: { path } })), [roomId], EVERY_MS);
  return (
    <>
      <h1>{room.value?.name ?? t('room.title')}</h1>
      <Answer of={room} list="rooms">
        {(known) => (
          <>
            <Facts
              of={[
                [t('room.id'), <code>{known.room_id}</code>],
                [t('room.kind'), said('roomType', known.type)],
                [t('room.people'), `${known.current_participants} / ${known.max_participants}`],
                [t('room.host'), known.host ?? t('value.none')],
                [t('room.made'), moment(known.created_at)],
                [t('room.door'), known.locked ? <Badge tone="busy">{t('room.locked')}</Badge> : t('room.open')],
                [t('room.rules'), rulesOf(known)],
              ]}
            />
            <Deeds room={known} then={room.again} />
            <h2>{t('room.calls')}</h2>
            <Sessions roomId={roomId} />
          </>
        )}
      </Answer>
    </>
  );
}

function rulesOf({ settings }: Room): string {
  return RULES.filter((rule) => settings[rule]).map((rule) => t(`rule.${rule}`)).join(', ') || t('value.none');
}

function Deeds({ room, then }: { room: Room; then: () => void }) {
  const params = { path: { room_id: room.room_id } };
  return (
    <p class="console__deeds">
      <Act
        label={t(room.locked ? 'deed.unlock' : 'deed.lock')}
        run={() => got(api.PATCH('/api/v1/calls/rooms/{room_id}', { params, body: { locked: !room.locked } }))}
        then={then}
      />
      <Confirm
        small
        label={t('deed.deleteRoom')}
        title={t('deed.deleteRoomTitle', { name: room.name })}
        text={t('deed.deleteRoomText')}
        go={t('deed.deleteRoom')}
        run={() => got(api.DELETE('/api/v1/calls/rooms/{room_id}', { params }))}
        then={() => go(pathOf('rooms'))}
      />
    </p>
  );
}

function Sessions({ roomId }: { roomId: string }) {
  const list = usePages<Call>(
    (cursor) =>
      got(api.GET('/api/v1/calls/history', { params: { query: { room_id: roomId, limit: 20, ...(cursor && { cursor }) } } })),
    [roomId],
  );
  return (
    <>
      <Answer of={{ value: list.rows, error: list.error }}>
        {(rows) => (
          <Table
            caption={t('room.calls')}
            columns={[
              { head: t('call.call'), cell: (call: Call) => <CallLink id={call.call_id} /> },
              { head: t('call.made'), cell: ({ created_at }) => (created_at ? moment(created_at) : t('value.unknown')) },
              { head: t('call.state'), cell: (call) => <Marks call={call} /> },
              { head: t('call.people'), cell: ({ participants }) => namesOf(participants) },
              { head: t('call.lasts'), cell: ({ duration_seconds }) => elapsed(duration_seconds), figures: true },
            ]}
            rows={rows}
            keyOf={({ call_id }) => call_id}
            empty={t('room.noCalls')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}
