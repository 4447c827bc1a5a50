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
import { moment, timeOfDay } from '../state/format';
import { useHappened } from '../state/happened';
import { nameOf } from '../state/names';
import { useSamples } from '../state/samples';
import { emptySince, peopleOf } from '../state/timeline';
import { CallQuality } from './CallQuality';
import { CallRecordings } from './CallRecordings';
import { CallTimeline } from './CallTimeline';
import { CallTranscript } from './CallTranscript';
import { Marks, RoomName } from './parts';
import { said, t } from '../words/t';

const LIVE_MS = 3000;

export function CallPage({ callId }: { callId: string }) {
  const path = { call_id: callId };
  const call = useAsk(() => got(api.GET('/api/v1/calls/{call_id}', { params: { path } })), [callId], LIVE_MS);
  return (
    <>
      <h1>{t('call.title')}</h1>
      <Answer of={call} list="calls">
        {(known) => <Known call={known} then={call.again} />}
      </Answer>
    </>
  );
}

function Known({ call, then }: { call: Call; then: () => void }) {
  const happened = useHappened(call);
  const sampled = useSamples(call);
  const events = happened.value?.rows ?? [];
  const people = peopleOf(call, events);
  const empty = emptySince(call.status, people, happened.value);
  return (
    <>
      <Summary call={call} empty={empty} />
      <Deeds call={call} then={then} />
      <h2>{t('call.people')}</h2>
      {empty && <p>{t('call.empty', { time: timeOfDay(empty) })}</p>}
      {people.length > 0 || happened.value || happened.error ? (
        <People call={call} people={people} then={then} />
      ) : (
        <p class="console__wait">{t('answer.awaited')}</p>
      )}
      <CallQuality people={people} sampled={sampled} />
      <CallTimeline call={call} happened={happened} sampled={sampled} />
      <CallRecordings call={call} />
      <CallTranscript call={call} people={people} />
    </>
  );
}

const over = ({ status }: Call): boolean => status === 'ended';

/** One that is empty lasts as long as it will if it ends so: until the last one left. */
function lasts({ started_at, duration_seconds }: Call, empty: string | null): number {
  return empty && started_at ? Math.max(0, Math.floor((Date.parse(empty) - Date.parse(started_at)) / 1000)) : duration_seconds;
}

function Summary({ call, empty }: { call: Call; empty: string | null }) {
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
        [t('call.lasts'), elapsed(lasts(call, empty))],
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

function People({ call, people, then }: { call: Call; people: readonly WireMember[]; then: () => void }) {
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
      rows={people}
      keyOf={(member) => member.participant_id ?? `${member.user_id} ${member.joined_at}`}
      empty={t(over(call) ? 'call.nobody' : 'call.nobodyYet')}
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
