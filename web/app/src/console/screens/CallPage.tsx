/** One call: who is in it, how well they are connected, what was recorded, and what can be done about it. */
import type { Call, Member, WireMember } from '@calls/sdk';
import { elapsed } from '../../layout/text';
import { Act } from '../components/Act';
import { Answer } from '../components/Answer';
import { Badge } from '../components/Badge';
import { Confirm } from '../components/Confirm';
import { Facts } from '../components/Facts';
import { Table } from '../components/Table';
import { api, got } from '../state/api';
import { useAsk } from '../state/ask';
import { moment } from '../state/format';
import { CallQuality } from './CallQuality';
import { CallRecordings } from './CallRecordings';
import { CallTimeline } from './CallTimeline';
import { CallTranscript } from './CallTranscript';
import { Marks, nameOf, RoomName } from './parts';
import { said, t } from '../words/t';

const LIVE_MS = 3000;

export function CallPage({ callId }: { callId: string }) {
  const path = { call_id: callId };
  const call = useAsk(() => got(api.GET('/api/v1/calls/{call_id}', { params: { path } })), [callId], LIVE_MS);
  return (
    <>
      <h1>{t('call.title')}</h1>
      <Answer of={call} list="calls">
        {(known) => (
          <>
            <Summary call={known} />
            <Deeds call={known} then={call.again} />
            <h2>{t('call.people')}</h2>
            <People call={known} then={call.again} />
            <CallQuality call={known} />
            <CallTimeline call={known} />
            <CallRecordings call={known} />
            <CallTranscript call={known} />
          </>
        )}
      </Answer>
    </>
  );
}

const over = ({ status }: Call): boolean => status === 'ended';

function Summary({ call }: { call: Call }) {
  return (
    <Facts
      of={[
        [t('call.id'), <code>{call.call_id}</code>],
        [t('call.state'), <Marks call={call} />],
        [t('call.kind'), said('kind', call.kind)],
        [t('call.room'), <RoomName id={call.room_id ?? null} />],
        [t('call.from'), call.from ?? t('value.none')],
        [t('call.made'), call.created_at ? moment(call.created_at) : t('value.unknown')],
        [t('call.answered'), call.started_at ? moment(call.started_at) : t('value.none')],
        [t('call.ended'), call.ended_at ? moment(call.ended_at) : t('value.none')],
        [t('call.lasts'), elapsed(call.duration_seconds)],
      ]}
    />
  );
}

function Deeds({ call, then }: { call: Call; then: () => void }) {
  if (over(call)) return null;
  const params = { path: { call_id: call.call_id } };
  return (
    <p class="console__deeds">
      <Act
        label={t('deed.muteAll')}
        run={() => got(api.POST('/api/v1/calls/{call_id}/participants/mute-all', { params }))}
        then={then}
      />
      {call.recording ? (
        <Act label={t('deed.recordStop')} run={() => got(api.POST('/api/v1/calls/{call_id}/record/stop', { params }))} then={then} />
      ) : (
        <Act
          label={t('deed.record')}
          run={() => got(api.POST('/api/v1/calls/{call_id}/record/start', { params, body: { mode: 'composite' } }))}
          then={then}
        />
      )}
      <Confirm
        small
        label={t('deed.end')}
        title={t('deed.endTitle')}
        text={t('deed.endText')}
        go={t('deed.endGo')}
        run={() => got(api.POST('/api/v1/calls/{call_id}/end', { params }))}
        then={then}
      />
    </p>
  );
}

function People({ call, then }: { call: Call; then: () => void }) {
  return (
    <Table
      caption={t('call.people')}
      columns={[
        { head: t('person.name'), cell: (member: WireMember) => nameOf(member) },
        { head: t('person.user'), cell: ({ user_id }) => <code>{user_id}</code> },
        { head: t('person.role'), cell: (member) => <RoleOf member={member} /> },
        { head: t('person.sends'), cell: (member) => <Sends member={member} /> },
        { head: t('person.joined'), cell: ({ joined_at }) => moment(joined_at) },
        { head: t('person.left'), cell: ({ left_at }) => (left_at ? moment(left_at) : t('value.none')) },
        ...(over(call) ? [] : [{ head: t('person.deeds'), cell: (member: WireMember) => <PersonDeeds call={call} member={member} then={then} /> }]),
      ]}
      rows={call.participants}
      keyOf={(member) => member.participant_id ?? `${member.user_id} ${member.joined_at}`}
      empty={t('call.nobody')}
    />
  );
}

function RoleOf({ member }: { member: WireMember }) {
  return (
    <span class="console__marks">
      {said('role', member.role)}
      {member.hidden && <Badge tone="busy">{t('person.hidden')}</Badge>}
    </span>
  );
}

function Sends({ member }: { member: WireMember }) {
  if (member.reconnecting) return <Badge tone="busy">{t('person.reconnecting')}</Badge>;
  const what = (['audio', 'video', 'screen'] as const).filter((kind) => member[kind]);
  return <>{what.length > 0 ? what.map((kind) => t(`person.${kind}`)).join(', ') : t('value.none')}</>;
}

const present = (member: WireMember): member is Member => Boolean(member.participant_id) && !member.left_at;

function PersonDeeds({ call, member, then }: { call: Call; member: WireMember; then: () => void }) {
  if (!present(member)) return null;
  const params = { path: { call_id: call.call_id, participant_id: member.participant_id } };
  const name = nameOf(member);
  return (
    <span class="console__deeds">
      {member.audio && (
        <Act
          label={t('deed.mute')}
          about={name}
          run={() => got(api.PATCH('/api/v1/calls/{call_id}/participants/{participant_id}', { params, body: { muted: true } }))}
          then={then}
        />
      )}
      <Confirm
        small
        label={t('deed.remove')}
        about={name}
        title={t('deed.removeTitle', { name })}
        text={t('deed.removeText')}
        go={t('deed.remove')}
        run={() => got(api.DELETE('/api/v1/calls/{call_id}/participants/{participant_id}', { params }))}
        then={then}
      />
    </span>
  );
}
