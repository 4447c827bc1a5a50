/** What stands behind a person. */

export type Background = 'none' | 'blur' | 'image';

export const BACKGROUNDS: readonly Background[] = ['none', 'blur', 'image'];

export interface Look {
  background: Background;
  /** What `image` shows; a quiet gradient where it is left out. */
  picture?: ImageBitmap | null;
}

export const AS_IT_IS: Look = { background: 'none' };

/** The smallest module that uses a SIMD instruction: (func (drop (i8x16.splat (i32.const 0)))). */
const SIMD = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0, 1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 9, 1, 7, 0, 65, 0, 253, 15, 26, 11]);

/** This browser can tell a person from what is behind them: it has WebGL 2, SIMD, and lets a canvas be a camera. */
export function canReplaceBackground(): boolean {
  return (
    typeof HTMLCanvasElement === 'function' &&
    'captureStream' in HTMLCanvasElement.prototype &&
    'WebGL2RenderingContext' in globalThis &&
    'WebAssembly' in globalThis &&
    WebAssembly.validate(SIMD)
  );
}

/**
 * The camera as it shall be seen. It throws where that cannot be: whoever hides their room must not be shown in it.
 */
export async function asSeen(raw: MediaStreamTrack, look: Look): Promise<MediaStreamTrack> {
  if (look.background === 'none' || !canReplaceBackground()) return raw;
  try {
    const { backdrop } = await import('./backdrop');
    return await backdrop(raw, look);
  } catch (error) {
    raw.stop();
    throw error;
  }
}
