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
  type Room,
  type VideoSource,
} from '@calls/sdk';
import { batch, computed, signal } from '@preact/signals';
import { EMPTY, seat, spoke, type Seating } from '../layout/order';
import { announce } from './announce';
import { Screenful } from './screenful';

/** Tiles on one page of the grid. */
export const PER_PAGE = 9;

export type PanelName = 'chat' | 'people';

export class MeetingStore {
  readonly meeting: Meeting;
  readonly screenful: Screenful;

  readonly state = signal<MeetingState>({ is: 'joining' });
  readonly me = signal('');
  readonly members = signal<readonly Member[]>([]);
  readonly seating = signal<Seating>(EMPTY);
  readonly speaking = signal<ReadonlySet<string>>(new Set());
  readonly quality = signal<ReadonlyMap<string, Quality>>(new Map());
  readonly messages = signal<readonly ChatMessage[]>([]);
  readonly unread = signal(0);
  readonly waiting = signal<readonly Member[]>([]);
  readonly room = signal<Room | null>(null);
  readonly call = signal<Call | null>(null);
  readonly voices = signal<readonly MediaStreamTrack[]>([]);
  readonly panel = signal<PanelName | null>(null);
  readonly pinned = signal<string | null>(null);
  readonly #pictures = signal(0);

  readonly self = computed(() => this.members.value.find(({ participant_id }) => participant_id === this.me.value));
  readonly moderator = computed(() => moderates(this.self.value?.role ?? 'participant'));
  /** Everybody, in the order of their seats. */
  readonly seated = computed(() => {
    const byId = new Map(this.members.value.map((member) => [member.participant_id, member]));
    return this.seating.value.order.flatMap((id) => byId.get(id) ?? []);
  });
  /** Whose screen is on stage: the first other one who shares. */
  readonly presenter = computed(() =>
    this.members.value.find(({ screen, participant_id }) => screen && participant_id !== this.me.value),
  );

  constructor(options: MeetingOptions) {
    this.meeting = new Meeting(options);
    this.screenful = new Screenful(this.meeting);
    this.#listen();
    announce(this);
    this.meeting.start();
  }

  /** Reading it in a component draws the component again when pictures move. */
  picture(participantId: string, source: VideoSource): Picture | null {
    void this.#pictures.value;
    return this.meeting.picture(participantId, source);
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
      if (state.is === 'over') this.screenful.close();
    });
    meeting.on('roster', (members) => this.#roster(members));
    meeting.on('pictures', () => (this.#pictures.value += 1));
    meeting.on('voices', (voices) => (this.voices.value = voices));
    meeting.on('speakers', (speakers) => this.#speakers(speakers.map(({ participant_id }) => participant_id)));
    meeting.on('quality', (quality) => {
      this.quality.value = new Map(this.quality.value).set(quality.participant_id, quality);
    });
    meeting.on('call', (call) => (this.call.value = call));
    meeting.on('room', (room) => (this.room.value = room));
    meeting.on('knock', (waiting) => (this.waiting.value = waiting));
    meeting.on('history', (messages) => (this.messages.value = messages));
    meeting.on('chat', (message) => this.#said(message));
  }

  #roster(members: Member[]): void {
    batch(() => {
      this.me.value = this.meeting.me;
      this.members.value = members;
      const ids = members.map(({ participant_id }) => participant_id);
      this.seating.value = seat(this.seating.value, ids);
      if (this.pinned.value && !ids.includes(this.pinned.value)) this.pinned.value = null;
    });
  }

  #speakers(ids: readonly string[]): void {
    batch(() => {
      this.speaking.value = new Set(ids);
      for (const id of ids) this.seating.value = spoke(this.seating.value, id, Date.now(), PER_PAGE);
    });
  }

  #said(message: ChatMessage): void {
    if (this.messages.value.some(({ number }) => number === message.number)) return; // told again by a resume
    this.messages.value = [...this.messages.value, message];
    if (this.panel.value !== 'chat' && message.from !== this.me.value) this.unread.value += 1;
  }
}
