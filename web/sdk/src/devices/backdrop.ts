/** Something else behind a person than what is there: a person cut out by their mask, over a blur or a picture. Canvas 2D only. */
import type { Look } from './background';
import { MODEL, segmenter, type Segmenter } from './segmenter';
import { standIn } from './stand-in';

/** The blur is drawn this much smaller: it costs a sixteenth, and nobody sees it in a blur. */
const SMALLER = 4;

/** Of the small picture, in pixels. */
const BLUR = 5;

/** Frames are not larger than this: a larger one costs more than anybody sees. */
const WIDEST = 1280;

interface Layer {
  canvas: HTMLCanvasElement;
  pen: CanvasRenderingContext2D;
}

/** A track that shows the person of `raw`, and stands for it: stopping it closes the camera. */
export async function backdrop(raw: MediaStreamTrack, look: Look): Promise<MediaStreamTrack> {
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = new MediaStream([raw]);
  const [find] = await Promise.all([segmenter(), video.play()]);
  const scene = new Scene(video, find, look);
  await scene.draw(); // nobody sees the room before the first mask
  const ticker = new Worker(new URL('./ticker.ts', import.meta.url), { type: 'module' });
  ticker.onmessage = () => void scene.draw();
  const release = () => {
    ticker.terminate();
    video.srcObject = null;
  };
  const [track] = scene.canvas.captureStream().getVideoTracks();
  if (!track) {
    release();
    throw new Error('the canvas gives no picture');
  }
  return standIn(track, raw, release);
}

class Scene {
  readonly #video: HTMLVideoElement;
  readonly #find: Segmenter;
  readonly #look: Look;
  readonly #out: Layer;
  readonly #small: Layer;
  readonly #seen: Layer;
  /** The frame that the mask is of: the video is further by the time it is found. */
  readonly #frame: Layer;
  #drawing = false;

  constructor(video: HTMLVideoElement, find: Segmenter, look: Look) {
    this.#video = video;
    this.#find = find;
    this.#look = look;
    const scale = Math.min(1, WIDEST / video.videoWidth);
    const [width, height] = [Math.round(video.videoWidth * scale), Math.round(video.videoHeight * scale)];
    this.#out = layer(width, height);
    this.#small = layer(Math.ceil(width / SMALLER), Math.ceil(height / SMALLER));
    this.#seen = layer(MODEL.width, MODEL.height);
    this.#frame = layer(width, height);
  }

  get canvas(): HTMLCanvasElement {
    return this.#out.canvas;
  }

  /** One frame; a beat that comes while one is drawn is left out. */
  async draw(): Promise<void> {
    if (this.#drawing) return;
    this.#drawing = true;
    try {
      const { canvas: frame, pen } = this.#frame;
      pen.drawImage(this.#video, 0, 0, frame.width, frame.height);
      this.#seen.pen.drawImage(frame, 0, 0, MODEL.width, MODEL.height);
      const mask = await this.#find(this.#seen.canvas);
      if (mask) this.#compose(mask);
    } finally {
      this.#drawing = false;
    }
  }

  #compose(mask: CanvasImageSource): void {
    const { canvas, pen } = this.#out;
    const { width, height } = canvas;
    pen.globalCompositeOperation = 'copy';
    pen.drawImage(mask, 0, 0, width, height);
    pen.globalCompositeOperation = 'source-in';
    pen.drawImage(this.#frame.canvas, 0, 0, width, height);
    pen.globalCompositeOperation = 'destination-over';
    if (this.#look.background === 'blur') pen.drawImage(this.#blurred(), 0, 0, width, height);
    else if (this.#look.picture) cover(pen, this.#look.picture, width, height);
    else gradient(pen, width, height);
  }

  #blurred(): HTMLCanvasElement {
    const { canvas, pen } = this.#small;
    pen.filter = `blur(${BLUR}px)`; // where there is no `filter`, the smaller size alone has to do
    pen.drawImage(this.#frame.canvas, 0, 0, canvas.width, canvas.height);
    return canvas;
  }
}

function layer(width: number, height: number): Layer {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext('2d');
  if (!pen) throw new Error('there is no canvas to draw on');
  return { canvas, pen };
}

/** Fills the frame and keeps its proportions. */
function cover(pen: CanvasRenderingContext2D, picture: ImageBitmap, width: number, height: number): void {
  const scale = Math.max(width / picture.width, height / picture.height);
  const [wide, high] = [picture.width * scale, picture.height * scale];
  pen.drawImage(picture, (width - wide) / 2, (height - high) / 2, wide, high);
}

function gradient(pen: CanvasRenderingContext2D, width: number, height: number): void {
  const light = pen.createLinearGradient(0, 0, width, height);
  light.addColorStop(0, '#2d6e86');
  light.addColorStop(0.55, '#57a08f');
  light.addColorStop(1, '#e3c48d');
  pen.fillStyle = light;
  pen.fillRect(0, 0, width, height);
}
