/** MediaPipe's selfie segmentation, which brings its own model: everything comes from where this page comes from. */
import graph from '@mediapipe/selfie_segmentation/selfie_segmentation.binarypb?url';
import loader from '@mediapipe/selfie_segmentation/selfie_segmentation.js?url';
import model from '@mediapipe/selfie_segmentation/selfie_segmentation_landscape.tflite?url';
import glue from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.js?url';
import wasm from '@mediapipe/selfie_segmentation/selfie_segmentation_solution_simd_wasm_bin.wasm?url';

/** What the landscape model looks at, in pixels. */
export const MODEL = { width: 256, height: 144 };

interface Solution {
  setOptions(options: { modelSelection: 0 | 1; useCpuInference: boolean }): void;
  onResults(listen: (results: { segmentationMask: CanvasImageSource }) => void): void;
  initialize(): Promise<void>;
  send(input: { image: HTMLCanvasElement }): Promise<void>;
}

const FILES: Readonly<Record<string, string>> = {
  'selfie_segmentation.binarypb': graph,
  'selfie_segmentation_landscape.tflite': model,
  'selfie_segmentation_solution_simd_wasm_bin.js': glue,
  'selfie_segmentation_solution_simd_wasm_bin.wasm': wasm,
};

declare global {
  // The library puts itself there.
  var SelfieSegmentation: (new (config: { locateFile: (name: string) => string }) => Solution) | undefined;
}

/** Finds the person in a picture of {@link MODEL}'s size: a mask that is opaque where they are. */
export type Segmenter = (picture: HTMLCanvasElement) => Promise<CanvasImageSource | null>;

let ready: Promise<Segmenter> | null = null;

/** There is one for the page; one that failed is tried anew. */
export function segmenter(): Promise<Segmenter> {
  ready ??= open().catch((error: unknown) => {
    ready = null;
    throw error;
  });
  return ready;
}

async function open(): Promise<Segmenter> {
  await load(loader);
  if (!globalThis.SelfieSegmentation) throw new Error('the segmenter did not load');
  const solution = new globalThis.SelfieSegmentation({ locateFile: (name) => FILES[name] ?? name });
  // On the CPU: 256 by 144 pixels take it a few milliseconds, and WebGL may be drawn in software.
  solution.setOptions({ modelSelection: 1, useCpuInference: true });
  let mask: CanvasImageSource | null = null;
  solution.onResults(({ segmentationMask }) => (mask = segmentationMask));
  await solution.initialize();
  return async (image) => {
    await solution.send({ image });
    return mask;
  };
}

function load(src: string): Promise<void> {
  return new Promise((done, failed) => {
    const script = document.createElement('script');
    script.src = src;
    script.onload = () => done();
    script.onerror = () => failed(new Error(`${src} did not load`));
    document.head.append(script);
  });
}
