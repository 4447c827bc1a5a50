/** RNNoise between a microphone and everybody else. Loaded when somebody wants it. */
import { RnnoiseWorkletNode, loadRnnoise } from '@sapphi-red/web-noise-suppressor';
import worklet from '@sapphi-red/web-noise-suppressor/rnnoiseWorklet.js?url';
import wasm from '@sapphi-red/web-noise-suppressor/rnnoise.wasm?url';
import simd from '@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url';
import { standIn } from './stand-in';

/** What RNNoise was trained on, in Hz. */
const SAMPLE_RATE = 48_000;

/** A track that carries the voice of `raw` without the noise, and stands for it: stopping it closes the device. */
export async function denoise(raw: MediaStreamTrack): Promise<MediaStreamTrack> {
  const context = new AudioContext({ sampleRate: SAMPLE_RATE });
  try {
    const [wasmBinary] = await Promise.all([loadRnnoise({ url: wasm, simdUrl: simd }), context.audioWorklet.addModule(worklet)]);
    const suppressor = new RnnoiseWorkletNode(context, { wasmBinary, maxChannels: 1 });
    const out = context.createMediaStreamDestination();
    out.channelCount = 1;
    context.createMediaStreamSource(new MediaStream([raw])).connect(suppressor).connect(out);
    await context.resume();
    const [track] = out.stream.getAudioTracks();
    if (!track) throw new Error('the worklet has no output');
    return standIn(track, raw, () => {
      suppressor.destroy();
      void context.close();
    });
  } catch (error) {
    await context.close();
    throw error;
  }
}
