/** Who is inside. */
import type { Member, WireMember } from '../types';

export class Roster {
  #members = new Map<string, Member>();

  /** In the order in which they came in. */
  get all(): Member[] {
    return [...this.#members.values()];
  }

  get(participantId: string): Member | undefined {
    return this.#members.get(participantId);
  }

  reset(members: readonly WireMember[]): void {
    const present = members.filter(isInside);
    present.sort((a, b) => a.joined_at.localeCompare(b.joined_at));
    this.#members = new Map(present.map((member) => [member.participant_id, member]));
  }

  put(member: Member): void {
    this.#members.set(member.participant_id, member);
  }

  drop(participantId: string): void {
    this.#members.delete(participantId);
  }
}

function isInside(member: WireMember): member is Member {
  return member.participant_id != null && member.left_at == null;
}
