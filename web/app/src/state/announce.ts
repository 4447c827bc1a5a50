/** What is said aloud about a meeting: the toasts that its events make. */
import type { Member, Role, Source } from '@calls/sdk';
import { has, t, tn } from '../i18n/t';
import { detailOf } from './detail';
import { local } from './devices';
import type { MeetingStore, RecordingState } from './meeting-store';
import { clearToasts, isSaid, toast, withdraw } from './toasts';

/** In a crowd that streams in, nobody reads names. */
const QUIET_ABOVE = 12;

const KNOCK = 'knock';

/** Who came and who went, while the note of it can be seen: whoever follows is counted in it. */
const ARRIVALS = {
  joined: { one: 'meeting.joined', several: 'meeting.joinedMore', names: [] as string[] },
  left: { one: 'meeting.left', several: 'meeting.leftMore', names: [] as string[] },
} as const;

export const nameOf = (member: Member): string => member.display_name || member.user_id;

export function announce(store: MeetingStore): void {
  const { meeting } = store;
  meeting.on('state', ({ is }) => is === 'over' && clearToasts());
  meeting.on('arrival', ({ what, member }) => {
    if (store.members.value.length > QUIET_ABOVE) return;
    arrived(what, nameOf(member));
  });
  meeting.on('muted', (source) => {
    if (source === 'microphone') toast(t('meeting.muted'));
    else toast(t(source === 'camera' ? 'meeting.cameraStopped' : 'meeting.shareStopped'));
  });
  meeting.on('unmuteAsked', (source) => asked(source));
  let recorded = store.recording.value;
  const tellRecorded = (now: RecordingState) => {
    if (recorded === 'on' && now === 'paused') toast(t('recording.paused'));
    if (recorded === 'paused' && now === 'on') toast(t('recording.resumed'));
    if (recorded !== 'off' && now === 'off') stopped(store);
    recorded = now; // that one begins is told by a banner
  };
  store.recording.subscribe(tellRecorded);
  meeting.on('recording', ({ event }) => {
    if (event === 'failed') toast(t('recording.failed'), { tone: 'bad' });
  });
  let transcribed = store.captions.running.value;
  store.captions.running.subscribe((now) => {
    if (transcribed && !now) toast(t('captions.stopped'));
    transcribed = now;
  });
  meeting.on('transcription', ({ event }) => {
    if (event === 'failed') toast(t('captions.failed'), { tone: 'bad' });
    if (event === 'lagging') toast(t('captions.lagging'));
    if (event === 'caught_up') toast(t('captions.caughtUp'));
  });
  meeting.on('refused', () => toast(t('meeting.mediaRefused'), { tone: 'bad' }));

  let known = new Set<string>();
  meeting.on('knock', (waiting) => {
    const news = waiting.some(({ participant_id }) => !known.has(participant_id));
    if (news || isSaid(KNOCK)) knocked(store, waiting);
    known = new Set(waiting.map(({ participant_id }) => participant_id));
  });

  let raised: Set<string> | null = null; // what was up before we came is no news
  meeting.on('roster', (members) => {
    const up = members.filter(({ hand }) => hand);
    for (const member of up) {
      const news = raised && !raised.has(member.participant_id) && member.participant_id !== meeting.me;
      if (news) toast(t('meeting.handUp', { name: nameOf(member) }));
    }
    raised = new Set(up.map(({ participant_id }) => participant_id));
  });

  let roles = new Map<string, Role>();
  meeting.on('roster', (members) => {
    for (const member of members) {
      const before = roles.get(member.participant_id);
      const text = before && before !== member.role ? newRole(member, member.participant_id === meeting.me) : null;
      if (text) toast(text);
    }
    roles = new Map(members.map(({ participant_id, role }) => [participant_id, role]));
  });

  let locked: boolean | null = null; // how it was when we came is no news
  meeting.on('room', (room) => {
    if (locked !== null && locked !== room.locked) toast(t(room.locked ? 'meeting.nowLocked' : 'meeting.nowUnlocked'));
    locked = room.locked;
  });
}

function arrived(what: keyof typeof ARRIVALS, name: string): void {
  const { one, several, names } = ARRIVALS[what];
  if (!isSaid(what)) names.length = 0;
  names.push(name);
  const [first = name, ...others] = names;
  const text = others.length > 0 ? tn(several, others.length, { name: first }) : t(one, { name: first });
  toast(text, { about: what });
}

/** A host learns where it is, too: in the console, which opens to whoever has a key of the server. Of one that failed that is told. */
function stopped({ self, recorded: { value: recorded } }: MeetingStore): void {
  if (recorded?.event === 'failed') return;
  if (self.value?.role !== 'host' || !recorded) return toast(t('recording.stopped'));
  const run = () => void open(`/console/recordings/${recorded.recording_id}`, '_blank', 'noopener');
  toast(t('recording.stoppedHost'), { action: { label: t('recording.find'), run } });
}

/** Nobody is unmuted by others: the answer is a button. */
function asked(source: Source): void {
  if (source !== 'microphone' && source !== 'camera') return;
  const run = () => void local.turn(source, true);
  const camera = source === 'camera';
  const action = { label: t(camera ? 'control.cameraOn' : 'control.microphoneOn'), run };
  toast(t(camera ? 'meeting.cameraAsked' : 'meeting.unmuteAsked'), { action });
}

/** Everybody hears who the host is; the rest concerns only whom it happens to. */
function newRole(member: Member, self: boolean): string | null {
  if (!self) return member.role === 'host' ? t('meeting.newHost', { name: nameOf(member) }) : null;
  const key = `meeting.youAre.${member.role}`;
  return has(key) ? t(key) : null;
}

/** One at the door is let in at once; several are looked at first. Nothing is asked about whom somebody else let in. */
function knocked(store: MeetingStore, waiting: readonly Member[]): void {
  const [first] = waiting;
  if (!first) return withdraw(KNOCK);
  const admit = () => attempt(store.meeting.moderate({ action: 'admit', participant_id: first.participant_id }));
  const several = waiting.length > 1;
  const text = several ? tn('meeting.waiting', waiting.length) : t('meeting.knock', { name: nameOf(first) });
  const action = several ? { label: t('meeting.showWaiting'), run: () => store.show('people') } : { label: t('meeting.admit'), run: admit };
  toast(text, { about: KNOCK, action });
}

/** Does something that the server may refuse, and says so when it does. */
export function attempt(doing: Promise<unknown>): void {
  doing.catch((error: unknown) => toast(t('meeting.actionFailed', { detail: detailOf(error) }), { tone: 'bad' }));
}
