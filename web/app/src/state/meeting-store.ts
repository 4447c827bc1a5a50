/** A meeting as signals: what the components draw. It decides nothing that the SDK knows better. */
import {
  Meeting,
  moderates,
  type Call,
  type ChatMessage,
  type Member,
  type MeetingOptions,
  type MeetingState,
  type Picture,
  type Quality,
  type RecordingEvent,
  type Room,
  type VideoSource,
} from '@calls/sdk';
import { batch, computed, signal } from '@preact/signals';
import { EMPTY, seat, spoke, type Seating } from '../layout/order';
import { t } from '../i18n/t';
import { handQueue, mainOf } from '../layout/stage';
import { announce, nameOf } from './announce';
import { Captions } from './captions';
import { Consent } from './consent';
import { prefs } from './prefs';
import { Reactions } from './reactions';
import { Screenful } from './screenful';
import { Uploads } from './uploads';
import { Writing } from './writing';

/** Tiles on one page of the grid. */
export const PER_PAGE = 9;

export type PanelName = 'chat' | 'people' | 'figures' | 'transcript';
export type DialogName = 'settings' | 'shortcuts' | 'end';

/** Whether everybody's words and pictures are kept. */
export type RecordingState = 'off' | 'on' | 'paused';

export class MeetingStore {
  readonly meeting: Meeting;
  readonly screenful: Screenful;
  readonly reactions: Reactions;
  readonly captions = new Captions();
  readonly consent = new Consent();
  readonly uploads = new Uploads(this);

  readonly state = signal<MeetingState>({ is: 'joining' });
  readonly me = signal('');
  readonly members = signal<readonly Member[]>([]);
  readonly seating = signal<Seating>(EMPTY);
  readonly speaking = signal<ReadonlySet<string>>(new Set());
  readonly quality = signal<ReadonlyMap<string, Quality>>(new Map());
  readonly messages = signal<readonly ChatMessage[]>([]);
  readonly writing = new Writing(this.members);
  readonly unread = signal(0);
  readonly #knocking = signal<readonly Member[]>([]);
  readonly room = signal<Room | null>(null);
  readonly call = signal<Call | null>(null);
  readonly voices = signal<readonly MediaStreamTrack[]>([]);
  readonly panel = signal<PanelName | null>(null);
  readonly dialog = signal<DialogName | null>(null);
  readonly pinned = signal<string | null>(null);
  readonly spotlight = signal<string | null>(null);
  readonly recording = signal<RecordingState>('off');
  /** What was told last of a recording; null while nobody has said what is recorded. */
  readonly recorded = signal<RecordingEvent | null>(null);
  /** No pictures are recorded. */
  readonly onlyVoices = computed(() => this.recorded.value?.mode === 'audio');
  /** Raised hands, first come first. */
  readonly hands = signal<readonly string[]>([]);
  readonly #pictures = signal(0);

  readonly self = computed(() => this.members.value.find(({ participant_id }) => participant_id === this.me.value));
  readonly moderator = computed(() => moderates(this.self.value?.role ?? 'participant'));
  /** Who wants in; nobody's business who cannot open the door, nor any more once they cannot. */
  readonly waiting = computed(() => (this.moderator.value ? this.#knocking.value : []));
  /** Everybody, in the order of their seats. */
  readonly seated = computed(() => {
    const byId = new Map(this.members.value.map((member) => [member.participant_id, member]));
    return this.seating.value.order.flatMap((id) => byId.get(id) ?? []);
  });
  /** The tiles that are drawn: everybody, but for oneself where that is not wished and there are others. */
  readonly tiles = computed(() => {
    const hidden = prefs.value.selfHidden && this.seated.value.length > 1 ? this.me.value : null;
    return this.seated.value.filter(({ participant_id }) => participant_id !== hidden);
  });
  /** Others who share a screen, the latest to come in first. */
  readonly presenters = computed(() =>
    this.members.value.filter(({ screen, participant_id }) => screen && participant_id !== this.me.value).reverse(),
  );
  /** What is large, or null for a grid. */
  readonly main = computed(() =>
    mainOf({
      layout: prefs.value.layout,
      pinned: this.pinned.value,
      spotlight: this.spotlight.value,
      presenters: this.presenters.value.map(({ participant_id }) => participant_id),
      speaker: this.#lastSpeaker.value ?? this.#firstOther.value,
    }),
  );
  readonly mayWrite = computed(() => this.moderator.value || (this.room.value?.settings.allow_chat ?? true));
  readonly mayShare = computed(() => this.moderator.value || (this.room.value?.settings.allow_screen ?? true));
  readonly mayShareFiles = computed(() => {
    const { value: room } = this.room;
    const takes = this.me.value !== '' && (this.meeting.limits?.max_file_bytes ?? 0) > 0;
    return takes && !this.meeting.encrypted && (this.moderator.value || (room?.settings.allow_files ?? true));
  });
  readonly mayRecord = computed(
    () => this.moderator.value && !this.meeting.encrypted && (this.room.value?.settings.allow_recording ?? true),
  );
  /** What is encrypted end to end no server can write down. */
  readonly mayTranscribe = computed(() => this.moderator.value && !this.meeting.encrypted);
  /** Of the others; whoever is silent now stays large until somebody else speaks. */
  readonly #lastSpeaker = signal<string | null>(null);
  readonly #firstOther = computed(
    () => this.seating.value.order.find((id) => id !== this.me.value) ?? null,
  );

  constructor(options: MeetingOptions) {
    this.meeting = new Meeting({ camera: prefs.value.camera, ...options });
    this.screenful = new Screenful(this.meeting);
    this.reactions = new Reactions(this.meeting);
    this.#listen();
    announce(this);
    this.meeting.start();
  }

  /** Reading it in a component draws the component again when pictures move. */
  picture(participantId: string, source: VideoSource): Picture | null {
    void this.#pictures.value;
    return this.meeting.picture(participantId, source);
  }

  /** Why nothing that they send can be opened, in words; null where it can. */
  locked(participantId: string): string | null {
    void this.#pictures.value;
    switch (this.meeting.keyOf(participantId)) {
      case 'ready':
        return null;
      case 'pending':
        return t('e2ee.pending');
      case 'mismatch':
        return t('e2ee.mismatch');
    }
  }

  /** Everybody else has another link: all that is encrypted here, nobody can open. */
  get strangers(): boolean {
    const others = this.members.value.filter(({ participant_id }) => participant_id !== this.me.value);
    void this.#pictures.value;
    return others.length > 0 && others.every(({ participant_id }) => this.meeting.keyOf(participant_id) === 'mismatch');
  }

  show(panel: PanelName | null): void {
    batch(() => {
      this.panel.value = panel;
      if (panel === 'chat') this.unread.value = 0;
    });
  }

  toggle(panel: PanelName): void {
    this.show(this.panel.value === panel ? null : panel);
  }

  #listen(): void {
    const { meeting } = this;
    meeting.on('state', (state) => {
      this.state.value = state;
      if (state.is === 'inside' && !state.steady) this.#forgetSigns();
      if (state.is !== 'over') return;
      this.screenful.close();
      this.uploads.close();
    });
    meeting.on('roster', (members) => this.#roster(members));
    meeting.on('pictures', () => (this.#pictures.value += 1));
    meeting.on('voices', (voices) => (this.voices.value = voices));
    meeting.on('speakers', (speakers) => this.#speakers(speakers.map(({ participant_id }) => participant_id)));
    meeting.on('quality', (quality) => {
      this.quality.value = new Map(this.quality.value).set(quality.participant_id, quality);
    });
    meeting.on('call', (call) => {
      this.call.value = call;
      this.consent.enter(call.call_id);
      this.captions.running.value = call.transcription;
      if (!call.recording) this.recording.value = 'off';
      else if (this.recording.value === 'off') this.recording.value = 'on';
      this.#tellKept();
    });
    meeting.on('recording', (recorded) =>
      batch(() => {
        this.recorded.value = recorded;
        this.recording.value = recordingAfter(recorded.event);
        this.#tellKept();
      }),
    );
    meeting.on('transcription', ({ event }) => {
      this.captions.running.value = event !== 'stopped' && event !== 'failed';
      this.#tellKept();
    });
    meeting.on('caption', (caption) => this.captions.hear(caption, this.#nameOf(caption.participant_id)));
    meeting.on('spotlight', (id) => (this.spotlight.value = id));
    meeting.on('room', (room) => (this.room.value = room));
    meeting.on('knock', (waiting) => (this.#knocking.value = waiting));
    meeting.on('history', (messages) => (this.messages.value = messages));
    meeting.on('chat', (message) => this.#said(message));
  }

  /** Cut off, we cannot know who speaks and how they are connected. */
  #forgetSigns(): void {
    batch(() => {
      this.speaking.value = new Set();
      this.quality.value = new Map();
    });
  }

  #tellKept(): void {
    this.consent.keep('recording', this.recording.value !== 'off');
    this.consent.keep('transcription', this.captions.running.value);
  }

  #nameOf(id: string): string {
    const member = this.members.value.find(({ participant_id }) => participant_id === id);
    return member ? nameOf(member) : t('captions.somebody');
  }

  #roster(members: Member[]): void {
    batch(() => {
      this.me.value = this.meeting.me;
      this.members.value = members;
      const ids = members.map(({ participant_id }) => participant_id);
      this.seating.value = seat(this.seating.value, ids);
      this.hands.value = handQueue(this.hands.value, raised(members));
      if (this.pinned.value && !ids.includes(this.pinned.value)) this.pinned.value = null;
      if (this.spotlight.value && !ids.includes(this.spotlight.value)) this.spotlight.value = null;
      if (this.#lastSpeaker.value && !ids.includes(this.#lastSpeaker.value)) this.#lastSpeaker.value = null;
    });
  }

  #speakers(ids: readonly string[]): void {
    batch(() => {
      this.speaking.value = new Set(ids);
      const loudest = ids.find((id) => id !== this.me.value);
      if (loudest) this.#lastSpeaker.value = loudest;
      for (const id of ids) this.seating.value = spoke(this.seating.value, id, Date.now(), PER_PAGE);
    });
  }

  #said(message: ChatMessage): void {
    if (this.messages.value.some(({ number }) => number === message.number)) return; // told again by a resume
    this.messages.value = [...this.messages.value, message];
    if (this.panel.value !== 'chat' && message.from !== this.me.value) this.unread.value += 1;
  }
}

const raised = (members: readonly Member[]): string[] =>
  members.filter(({ hand }) => hand).map(({ participant_id }) => participant_id);

function recordingAfter(event: RecordingEvent['event']): RecordingState {
  switch (event) {
    case 'started':
    case 'resumed':
      return 'on';
    case 'paused':
      return 'paused';
    case 'stopped':
    case 'failed':
      return 'off';
  }
}
