import { readdir, readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ffmpeg, rgbOf, temporaryFolder, tools } from '../fixtures/make-media.js';
import { bombPng, cmykJpeg, withOrientation } from '../fixtures/make-pictures.js';
import { decodePortrait } from './decode-portrait.js';
import { probePortrait, uprightSize } from './probe-portrait.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const out = () => folder.path('out.png');

/** Left half red, right half blue. */
const HALVES = 'color=red:s=32x24,drawbox=x=16:w=16:h=24:color=blue:t=fill';

beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

async function make(name: string, source: string, ...args: string[]): Promise<string> {
  await ffmpeg('-f', 'lavfi', '-i', source, ...args, folder.path(name));
  return folder.path(name);
}

async function decode(inputPath: string) {
  const decoded = await decodePortrait(tools, { inputPath, outputPath: out() });
  const pixels = await rgbOf(out());
  expect(pixels.length).toBe(decoded.width * decoded.height * 3);
  const at = (x: number, y: number) => [...pixels.subarray((y * decoded.width + x) * 3).subarray(0, 3)];
  return { ...decoded, at };
}

function expectColour(pixel: number[], colour: number[], tolerance = 12): void {
  for (const [index, value] of colour.entries()) {
    expect(Math.abs(pixel[index]! - value), `${pixel} is not ${colour}`).toBeLessThanOrEqual(tolerance);
  }
}

const RED = [255, 0, 0];
const BLUE = [0, 0, 255];

test.each([
  ['plain.png', ['-frames:v', '1', '-pix_fmt', 'rgb24']],
  ['sixteen.png', ['-frames:v', '1', '-pix_fmt', 'rgb48be']],
  ['plain.jpg', ['-frames:v', '1', '-pix_fmt', 'yuvj444p', '-q:v', '1']],
  ['plain.bmp', ['-frames:v', '1']],
  ['plain.tiff', ['-frames:v', '1', '-pix_fmt', 'rgb24']],
  ['still.webp', ['-frames:v', '1', '-lossless', '1']],
])('%s comes out unchanged', async (name, args) => {
  const path = await make(name, HALVES, ...args);
  const { width, height, at, source } = await decode(path);
  expect([width, height, source.animated]).toEqual([32, 24, false]);
  expectColour(at(4, 12), RED);
  expectColour(at(28, 12), BLUE);
  const lossless = !['sixteen.png', 'plain.jpg', 'still.webp'].includes(name);
  if (lossless) expect((await rgbOf(out())).equals(await rgbOf(path))).toBe(true);
});

test('palette colours are looked up', async () => {
  const path = await make('palette.png', HALVES, '-frames:v', '1', '-pix_fmt', 'pal8');
  const { source } = await decode(path);
  expect(source.pixelFormat).toBe('pal8');
  expect((await rgbOf(out())).equals(await rgbOf(path))).toBe(true);
});

test('the same picture gives the same bytes', async () => {
  const path = await make('again.jpg', 'testsrc2=s=64x48', '-frames:v', '1');
  await decode(path);
  const first = await readFile(out());
  await decode(path);
  expect(first.equals(await readFile(out()))).toBe(true);
});

test.each([
  [1, 32, 24, RED, RED, BLUE],
  [2, 32, 24, BLUE, BLUE, RED],
  [3, 32, 24, BLUE, BLUE, RED],
  [4, 32, 24, RED, RED, BLUE],
  [5, 24, 32, RED, BLUE, BLUE],
  [6, 24, 32, RED, BLUE, BLUE],
  [7, 24, 32, BLUE, RED, RED],
  [8, 24, 32, BLUE, RED, RED],
])('EXIF orientation %d is applied', async (orientation, width, height, topLeft, bottomLeft, bottomRight) => {
  const upright = await make('upright.jpg', HALVES, '-frames:v', '1', '-pix_fmt', 'yuvj444p', '-q:v', '1');
  const path = folder.path('turned.jpg');
  await writeFile(path, withOrientation(await readFile(upright), orientation));
  const decoded = await decode(path);
  expect(decoded.source).toMatchObject({ width: 32, height: 24, orientation });
  expect([decoded.width, decoded.height]).toEqual([width, height]);
  expect(uprightSize(decoded.source)).toEqual({ width, height });
  expectColour(decoded.at(2, 2), topLeft);
  expectColour(decoded.at(2, height - 3), bottomLeft);
  expectColour(decoded.at(width - 3, height - 3), bottomRight);
});

test('CMYK becomes RGB', async () => {
  const path = folder.path('cmyk.jpg');
  await writeFile(path, cmykJpeg([0, 255, 255, 0]));
  const { width, height, at } = await decode(path);
  expect([width, height]).toEqual([16, 8]);
  expectColour(at(8, 4), RED);
  await writeFile(path, cmykJpeg([0, 0, 0, 255]));
  expectColour((await decode(path)).at(8, 4), [0, 0, 0]);
});

test('grey with 16 bits keeps its grey', async () => {
  const path = await make('grey.png', 'color=gray:s=16x16', '-frames:v', '1', '-pix_fmt', 'gray16be');
  const { at } = await decode(path);
  expectColour(at(8, 8), [128, 128, 128], 4);
});

test.each(['png', 'webp'])('alpha of a %s is laid over white', async (extension) => {
  const path = folder.path(`alpha.${extension}`);
  const picture = `color=black:s=32x32,format=rgba,geq=r=0:g=0:b='if(gte(X,16),255,0)':a='if(gte(X,16),128,0)'`;
  await ffmpeg(
    '-f',
    'lavfi',
    '-i',
    picture,
    '-frames:v',
    '1',
    ...(extension === 'webp' ? ['-lossless', '1'] : []),
    path,
  );
  const { at } = await decode(path);
  expectColour(at(4, 16), [255, 255, 255]);
  expectColour(at(24, 16), [128, 128, 255]);
});

test.each(['gif', 'apng', 'webp'])('the first frame of an animated %s is used', async (extension) => {
  const frames = "color=red:s=32x24:r=5:d=1,drawbox=color=blue:t=fill:enable='gte(n,1)'";
  const path = await make(`moving.${extension}`, frames, ...(extension === 'webp' ? ['-lossless', '1'] : []));
  const { width, height, at, source } = await decode(path);
  expect(source).toMatchObject({ width: 32, height: 24, animated: true });
  expect([width, height]).toEqual([32, 24]);
  expectColour(at(16, 12), RED);
});

test('one pixel is a picture', async () => {
  const path = await make('one.png', 'color=red:s=2x2,format=rgb24,crop=1:1', '-frames:v', '1', '-pix_fmt', 'rgb24');
  const { width, height, at } = await decode(path);
  expect([width, height]).toEqual([1, 1]);
  expectColour(at(0, 0), RED);
});

test('what follows the first frame does not count', async () => {
  const still = await readFile(await make('still.png', HALVES, '-frames:v', '1', '-pix_fmt', 'rgb24'));
  const moving = await readFile(await make('cut.apng', 'testsrc2=s=96x72:r=5:d=1'));
  for (const [name, bytes] of [
    ['tail.png', Buffer.concat([still, Buffer.alloc(500, 65)])],
    ['cut.png', moving.subarray(0, moving.length / 2)],
  ] as const) {
    await writeFile(folder.path(name), bytes);
    const { width, height, source } = await decode(folder.path(name));
    expect(await probePortrait(tools, folder.path(name))).toEqual(source);
    expect(uprightSize(source)).toEqual({ width, height });
  }
});

test('names do not count', async () => {
  const path = await make('plain.png', HALVES, '-frames:v', '1', '-pix_fmt', 'rgb24');
  const misnamed = folder.path('%03d concat.txt');
  await writeFile(misnamed, await readFile(path));
  expect((await decode(misnamed)).source.codec).toBe('png');
});

/** By the probe as by the decoder: whatever a submit accepts can be rendered. */
async function expectRefused(path: string, code: string, reason: RegExp): Promise<void> {
  const refusal = { code, status: 422, message: expect.stringMatching(reason) };
  await expect(probePortrait(tools, path)).rejects.toMatchObject(refusal);
  await expect(decodePortrait(tools, { inputPath: path, outputPath: out() })).rejects.toMatchObject(refusal);
}

test('what is not a picture is refused, with a reason, and leaves nothing', async () => {
  const clean = new Set(await readdir(folder.folder));
  const write = async (name: string, bytes: Buffer | string) => {
    await writeFile(folder.path(name), bytes);
    clean.add(name);
    return folder.path(name);
  };
  clean.delete('out.png');
  await decodePortrait(tools, { inputPath: folder.path('one.png'), outputPath: out() });
  await expectRefused(await write('empty.png', ''), 'media-empty', /empty \(0 bytes\)/);
  await expectRefused(
    await write('text.png', 'this is not a picture\n'.repeat(50)),
    'portrait-unreadable',
    /not a picture/,
  );
  await expectRefused(await write('bomb.png', bombPng(20_000, 20_000)), 'media-too-large', /20000 x 20000 pixels/);
  await expectRefused(await write('lying.png', bombPng(4000, 4000)), 'portrait-incomplete', /cut off or damaged/);
  const list = `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/passwd\n`;
  await expectRefused(await write('list.png', list), 'portrait-unreadable', /not a picture/);
  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(64)]);
  await expectRefused(await write('photo.jpg', heic), 'portrait-unreadable', /HEIC/);
  for (const extension of ['png', 'jpg', 'webp', 'gif', 'tiff', 'bmp']) {
    const whole = await make(`whole.${extension}`, 'testsrc2=s=320x240', '-frames:v', '1');
    clean.add(`whole.${extension}`);
    const bytes = await readFile(whole);
    const half = await write(`half.${extension}`, bytes.subarray(0, Math.floor(bytes.length / 2)));
    // A TIFF's directory may be at its end; nothing else shows that the file was one.
    if (extension === 'tiff') await expectRefused(half, 'portrait-unreadable', /incomplete/);
    else await expectRefused(half, 'portrait-incomplete', /cut off|damaged/);
  }
  clean.add('out.png');
  expect(new Set(await readdir(folder.folder))).toEqual(clean);
}, 60_000);

test('sound is not a picture, and the caller sets the limits', async () => {
  const sound = await make('sound.wav', 'sine=d=1');
  await expectRefused(sound, 'portrait-unreadable', /not a picture/);
  const path = await make('limit.png', 'color=red:s=100x100', '-frames:v', '1');
  const limits = { maximumBytes: 10, maximumPixels: 1e6 };
  await expect(probePortrait(tools, path, { limits })).rejects.toMatchObject({ code: 'media-too-large' });
  await expect(
    probePortrait(tools, path, { limits: { maximumBytes: 1e6, maximumPixels: 9999 } }),
  ).rejects.toMatchObject({
    code: 'media-too-large',
    data: { width: 100, height: 100 },
  });
});
