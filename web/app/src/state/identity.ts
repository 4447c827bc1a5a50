/**
 * Who this browser is to a room: one user for good, so that whoever makes a room stays its host. A second tab in the same
 * room is somebody else, or it would put the first one out.
 */

/** A tab that is loaded again lets go of its user in this time. */
const LET_GO_MS = 1_000;

const KEY = 'calls.user';

type Kept = Pick<Storage, 'getItem' | 'setItem'>;

export interface IdentityOptions {
  /** Kept for good. */
  browser: Kept;
  /** Kept while the tab is open; survives a reload, and is copied with a tab that is duplicated. */
  tab: Kept;
  /** Known on secure pages only; without it, tabs cannot tell that there are others. */
  locks: Pick<LockManager, 'request'> | undefined;
}

export interface Claim {
  userId: string;
  /** The same user as before the tab was loaded again. */
  returning: boolean;
  /** Lets another tab be this user. */
  release(): void;
}

export class Identity {
  readonly #options: IdentityOptions;

  constructor(options: IdentityOptions) {
    this.#options = options;
  }

  /** The user of this browser. */
  get userId(): string {
    return kept(this.#options.browser, KEY, guest);
  }

  /** Who this tab is in a room, until it is released. */
  async claim(roomId: string): Promise<Claim> {
    const { tab } = this.#options;
    const key = `${KEY}.${roomId}`;
    const before = tab.getItem(key);
    const wanted = before ?? this.userId;
    const release = await this.#take(wanted, roomId, before !== null);
    if (release) {
      tab.setItem(key, wanted);
      return { userId: wanted, returning: before !== null, release };
    }
    const fresh = guest();
    tab.setItem(key, fresh);
    const releaseFresh = await this.#take(fresh, roomId, false);
    return { userId: fresh, returning: false, release: releaseFresh ?? nothing };
  }

  /** Nobody else in this browser is this user in this room while we hold it; null: somebody is. */
  #take(userId: string, roomId: string, patient: boolean): Promise<(() => void) | null> {
    const { locks } = this.#options;
    if (!locks) return Promise.resolve(nothing);
    const options: LockOptions = patient ? { signal: AbortSignal.timeout(LET_GO_MS) } : { ifAvailable: true };
    return new Promise((resolve) => {
      const held = (lock: Lock | null) => {
        if (!lock) return resolve(null);
        return new Promise<void>((release) => resolve(release));
      };
      locks.request(`${KEY}.${roomId}.${userId}`, options, held).catch(() => resolve(null));
    });
  }
}

const nothing = (): void => undefined;

function kept(storage: Kept, key: string, make: () => string): string {
  const known = storage.getItem(key);
  if (known) return known;
  const fresh = make();
  storage.setItem(key, fresh);
  return fresh;
}

/** `randomUUID` is for secure pages only; the landing page must not break on others. */
function guest(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return `guest-${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
