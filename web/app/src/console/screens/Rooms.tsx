/** All rooms. */
import type { Room } from '@calls/sdk';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { More, Table } from '../components/Table';
import { api, got } from '../state/api';
import { usePages } from '../state/ask';
import { moment } from '../state/format';
import { RoomLink } from './parts';
import { said, t } from '../words/t';

export function Rooms() {
  const list = usePages<Room>(
    (cursor) => got(api.GET('/api/v1/calls/rooms', { params: { query: { limit: 50, ...(cursor && { cursor }) } } })),
    [],
  );
  return (
    <>
      <h1>{t('rooms.title')}</h1>
      <Answer of={{ value: list.rows, error: list.error }}>
        {(rows) => (
          <Table
            caption={t('rooms.title')}
            columns={[
              { head: t('room.name'), cell: (room: Room) => <RoomLink id={room.room_id} name={room.name} /> },
              { head: t('room.kind'), cell: ({ type }) => said('roomType', type) },
              { head: t('room.people'), cell: (room) => `${room.current_participants} / ${room.max_participants}`, figures: true },
              { head: t('room.door'), cell: ({ locked }) => (locked ? <Badge tone="busy">{t('room.locked')}</Badge> : t('room.open')) },
              { head: t('room.made'), cell: ({ created_at }) => moment(created_at) },
            ]}
            rows={rows}
            keyOf={({ room_id }) => room_id}
            empty={t('rooms.empty')}
          />
        )}
      </Answer>
      <More more={list.more} />
    </>
  );
}
