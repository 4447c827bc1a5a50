/** Every frame of a call that is encrypted end to end passes through here, away from the page's own thread. */
import { Opener, Sealer, type FrameKind } from './frames';
import type { Order, Way } from './orders';
import { FrameKey } from './sframe';
import type { Bytes } from './suites';

/** `RTCEncodedAudioFrame` and `RTCEncodedVideoFrame`; only the latter has a type. */
interface Frame {
  data: ArrayBuffer;
  type?: FrameKind;
}

interface Transformer {
  readable: ReadableStream<Frame>;
  writable: WritableStream<Frame>;
  options: { way: Way };
}

const sealer = new Sealer();
const opener = new Opener();

function pipe(way: Way, readable: ReadableStream<Frame>, writable: WritableStream<Frame>): void {
  const turn = (data: Bytes, kind: FrameKind) => (way === 'out' ? sealer.seal(data, kind) : opener.open(data, kind));
  const transform = new TransformStream<Frame, Frame>({
    async transform(frame, controller) {
      const turned = await turn(new Uint8Array(frame.data), frame.type ?? 'audio');
      if (!turned) return;
      frame.data = turned.buffer;
      controller.enqueue(frame);
    },
  });
  // A stream ends with its connection; that is no error.
  readable.pipeThrough(transform).pipeTo(writable).catch(() => undefined);
}

async function obey(order: Order): Promise<void> {
  switch (order.do) {
    case 'seal':
      return sealer.use(await FrameKey.derive(order.base, order.kid));
    case 'open':
      return opener.add(await FrameKey.derive(order.base, order.kid));
    case 'forget':
      return opener.remove(order.kid);
    case 'pipe':
      return pipe(order.way, order.readable, order.writable);
  }
}

addEventListener('message', ({ data }: MessageEvent<Order>) => void obey(data));
addEventListener('rtctransform', (event) => {
  const { transformer } = event as Event & { transformer: Transformer };
  pipe(transformer.options.way, transformer.readable, transformer.writable);
});
