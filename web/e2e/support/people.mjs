// People who are not there: a face for the camera and a voice for the microphone of each, drawn into temporary files.
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WIDTH = 640;
const HEIGHT = 360;
const FPS = 15;
const SECONDS = 2;

/** Wall, skin, hair and clothes as RGB. */
const LOOKS = [
  { wall: [58, 84, 104], skin: [226, 178, 148], hair: [66, 44, 34], clothes: [232, 226, 214] },
  { wall: [126, 98, 76], skin: [140, 92, 66], hair: [28, 22, 20], clothes: [68, 118, 130] },
  { wall: [86, 102, 84], skin: [238, 196, 170], hair: [186, 122, 62], clothes: [92, 64, 104] },
  { wall: [96, 82, 112], skin: [196, 146, 112], hair: [40, 36, 40], clothes: [214, 126, 92] },
  { wall: [104, 104, 110], skin: [222, 184, 158], hair: [150, 148, 146], clothes: [52, 72, 116] },
  { wall: [150, 150, 140], skin: [226, 178, 148], hair: [66, 44, 34], clothes: [70, 90, 130], stripes: true },
];

/** Whoever sits in front of a striped wall. */
export const STRIPED = LOOKS.length - 1;

/** The pitch of each voice, in Hz: no two of them share a harmonic that counts. */
export const PITCHES = [140, 190, 250, 330, 440];

/** How many harmonics a voice has. */
export const HARMONICS = 3;

let made;

/** Where the drawings are; gone when the process ends. */
function folder() {
  if (made) return made;
  made = { path: mkdtempSync(join(tmpdir(), 'calls-people-')) };
  process.on('exit', () => rmSync(made.path, { recursive: true, force: true }));
  return made;
}

/** A raw video file (YUV4MPEG2) of one of them. */
export function face(index) {
  const home = folder();
  const file = join(home.path, `face-${index}.y4m`);
  if (!existsSync(file)) writeFileSync(file, Buffer.concat([...film(LOOKS[index], index)]));
  return file;
}

/** A mono WAV of something like speech: harmonics in the rhythm of syllables, with pauses. */
export function voice(index) {
  const home = folder();
  const file = join(home.path, `voice-${index}.wav`);
  if (!existsSync(file)) writeFileSync(file, wav(PITCHES[index]));
  return file;
}

function* film(look, index) {
  yield Buffer.from(`YUV4MPEG2 W${WIDTH} H${HEIGHT} F${FPS}:1 Ip A1:1 C420mpeg2\n`);
  const frames = FPS * SECONDS;
  for (let frame = 0; frame < frames; frame += 1) {
    yield Buffer.from('FRAME\n');
    yield picture(look, (2 * Math.PI * frame) / frames + index);
  }
}

function picture(look, phase) {
  const y = Buffer.alloc(WIDTH * HEIGHT);
  const u = Buffer.alloc((WIDTH * HEIGHT) / 4);
  const v = Buffer.alloc((WIDTH * HEIGHT) / 4);
  const layers = person(look, phase);
  for (let row = 0; row < HEIGHT; row += 1) {
    for (let column = 0; column < WIDTH; column += 1) {
      const stripe = look.stripes && column % 40 < 20 ? 0.55 : 1;
      const light = stripe * (1.15 - 0.45 * (row / HEIGHT) - 0.25 * Math.abs(column / WIDTH - 0.35));
      let r = look.wall[0] * light;
      let g = look.wall[1] * light;
      let b = look.wall[2] * light;
      for (const { paint, x, y: middle, width, height } of layers) {
        const dx = (column - x) / width;
        const dy = (row - middle) / height;
        const far = dx * dx + dy * dy;
        if (far >= 1) continue;
        const share = Math.min(1, (1 - Math.sqrt(far)) * Math.min(width, height)); // a soft edge of one pixel
        r += (paint[0] - r) * share;
        g += (paint[1] - g) * share;
        b += (paint[2] - b) * share;
      }
      y[row * WIDTH + column] = 16 + 0.257 * r + 0.504 * g + 0.098 * b;
      if (row % 2 || column % 2) continue;
      const chroma = (row / 2) * (WIDTH / 2) + column / 2;
      u[chroma] = 128 - 0.148 * r - 0.291 * g + 0.439 * b;
      v[chroma] = 128 + 0.439 * r - 0.368 * g - 0.071 * b;
    }
  }
  return Buffer.concat([y, u, v]);
}

/** Ovals over ovals, from the back to the front. */
function person({ skin, hair, clothes }, phase) {
  const x = WIDTH / 2 + 14 * Math.sin(phase);
  const y = 148 + 5 * Math.cos(2 * phase);
  const oval = (paint, x, y, width, height) => ({ paint, x, y, width, height });
  const neck = skin.map((part) => part * 0.82);
  const eye = (side) => oval([38, 30, 30], x + 23 * side, y, 6, 5);
  return [
    oval(hair, x, y - 14, 74, 88),
    oval(clothes, x * 0.6 + WIDTH * 0.2, 392, 168, 140),
    oval(neck, x, y + 78, 30, 44),
    oval(skin, x, y + 6, 60, 76),
    oval(hair, x, y - 58, 62, 30),
    eye(-1),
    eye(1),
    oval([150, 70, 70], x, y + 42, 17, 6 + 4 * Math.sin(3 * phase)),
  ];
}

function wav(pitch) {
  const rate = 48_000;
  const samples = rate * 3;
  const data = Buffer.alloc(samples * 2);
  for (let n = 0; n < samples; n += 1) {
    const t = n / rate;
    const syllable = Math.max(0, Math.sin(2 * Math.PI * 3.5 * t)) * (t % 1.5 < 1.2 ? 1 : 0);
    let sound = 0;
    for (let harmonic = 1; harmonic <= HARMONICS; harmonic += 1) sound += Math.sin(2 * Math.PI * pitch * harmonic * t) / harmonic;
    data.writeInt16LE(Math.round(7000 * syllable * sound), n * 2);
  }
  const head = Buffer.alloc(44);
  head.write('RIFF', 0);
  head.writeUInt32LE(36 + data.length, 4);
  head.write('WAVEfmt ', 8);
  head.writeUInt32LE(16, 16);
  head.writeUInt16LE(1, 20);
  head.writeUInt16LE(1, 22);
  head.writeUInt32LE(rate, 24);
  head.writeUInt32LE(rate * 2, 28);
  head.writeUInt16LE(2, 32);
  head.writeUInt16LE(16, 34);
  head.write('data', 36);
  head.writeUInt32LE(data.length, 40);
  return Buffer.concat([head, data]);
}
