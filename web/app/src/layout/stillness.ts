/** Tells from a count of pictures, looked at once a second, when they have stopped. */

/** So many looks without a new picture are no slow network any more. */
const LOOKS = 3;

export class Stillness {
  #count: number | null = null;
  #same = 0;
  /** A browser that does not count says nothing. */
  #counts = false;

  /** `frames`: so many were shown so far; null: nobody looks. */
  of(frames: number | null): boolean {
    const moved = frames !== this.#count;
    if (moved && frames !== null && this.#count !== null) this.#counts = true;
    this.#same = moved || frames === null ? 0 : this.#same + 1;
    this.#count = frames;
    return this.#counts && this.#same >= LOOKS;
  }
}
