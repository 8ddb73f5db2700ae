import { randomBytes } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { crc32, deflateSync } from 'node:zlib';
import type { Problem } from '@farm/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ffmpeg, makeInputs, type TestInputs } from '../testing/inputs.js';
import { call, type Parts, plainSpec, submit } from '../testing/requests.js';
import { startTestFarm, storedKeys, type TestFarm } from '../testing/test-farm.js';

let farm: TestFarm;
let inputs: TestInputs;
let speech: Buffer;

beforeAll(async () => {
  farm = await startTestFarm({
    limits: { maximumSpeechSeconds: 10, maximumUploadBytes: 3_000_000, maximumPortraitBytes: 2_000_000 },
  });
  inputs = await makeInputs(farm.directory);
  speech = Buffer.from(await inputs.speech.arrayBuffer());
});
afterAll(() => farm.close());

const wav = (source: string, name: string, ...args: string[]) =>
  ffmpeg(farm.directory, name, '-f', 'lavfi', '-i', source, ...args);
const picture = (source: string, name: string, ...args: string[]) =>
  ffmpeg(farm.directory, name, '-f', 'lavfi', '-i', source, '-frames:v', '1', ...args);

/** A PNG of `side` x `side` black pixels in a few kilobytes: `deflate` folds them a thousandfold. */
function blackPng(side: number): Blob {
  const chunk = (type: string, data: Buffer) => {
    const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
    const length = Buffer.alloc(4);
    length.writeUInt32BE(data.length);
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32(named));
    return Buffer.concat([length, named, sum]);
  };
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header[8] = 1;
  const rows = deflateSync(Buffer.alloc((Math.ceil(side / 8) + 1) * side));
  const signature = Buffer.from('89504e470d0a1a0a', 'hex');
  return new Blob([
    Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', rows), chunk('IEND', Buffer.alloc(0))]),
  ]);
}

/** A grey JPEG of 128 x 128 in four inks, as printers' programs write CMYK (Adobe marker, no transform). */
function cmykJpeg(): Blob {
  const segment = (marker: number, body: number[]) => [0xff, marker, 0, body.length + 2, ...body];
  const components = [1, 2, 3, 4];
  // DC: category 0 is the code 0, category 8 the code 10; AC: end of block is the code 0. No block differs from the first.
  const blocks = components.map(() => '10' + '10000000' + '0').join('') + '00'.repeat(4 * 255);
  const bits = blocks.padEnd(Math.ceil(blocks.length / 8) * 8, '1');
  const scan = Array.from({ length: bits.length / 8 }, (_bits, index) =>
    Number.parseInt(bits.slice(index * 8, index * 8 + 8), 2),
  );
  return new Blob([
    Buffer.from([
      ...[0xff, 0xd8],
      ...segment(0xee, [...Buffer.from('Adobe'), 0, 100, 0, 0, 0, 0, 0]),
      ...segment(0xdb, [0, ...Array<number>(64).fill(1)]),
      ...segment(0xc0, [8, 0, 128, 0, 128, 4, ...components.flatMap((id) => [id, 0x11, 0])]),
      ...segment(0xc4, [0x00, 1, 1, ...Array<number>(14).fill(0), 0, 8]),
      ...segment(0xc4, [0x10, 1, ...Array<number>(15).fill(0), 0]),
      ...segment(0xda, [4, ...components.flatMap((id) => [id, 0]), 0, 63, 0]),
      ...scan.flatMap((byte) => (byte === 0xff ? [0xff, 0] : [byte])),
      ...[0xff, 0xd9],
    ]),
  ]);
}

type Case = [name: string, code: string, make: () => Promise<Parts> | Parts];
const withSpeech = (speech: Blob): Parts => [
  ['spec', plainSpec],
  ['portrait', inputs.portrait],
  ['speech', speech, 'speech.wav'],
];
const withPortrait = (portrait: Blob): Parts => [
  ['spec', plainSpec],
  ['portrait', portrait, 'portrait.jpg'],
  ['speech', inputs.speech],
];
const withSpec = (spec: unknown): Parts => [
  ['spec', spec],
  ['portrait', inputs.portrait],
  ['speech', inputs.speech],
];

const halfOf = async (whole: Promise<Blob>): Promise<Blob> => {
  const blob = await whole;
  return blob.slice(0, Math.floor(blob.size / 2));
};

const speechCases: Case[] = [
  ['an empty recording', 'media-empty', () => withSpeech(new Blob([]))],
  ['truncated WAV', 'speech-incomplete', () => withSpeech(new Blob([speech.subarray(0, speech.length / 2)]))],
  ['truncated MP3', 'speech-incomplete', async () => withSpeech(await halfOf(wav('sine=d=8', 'half.mp3')))],
  ['truncated FLAC', 'speech-incomplete', async () => withSpeech(await halfOf(wav('sine=d=8', 'half.flac')))],
  ['truncated M4A', 'speech-unreadable', async () => withSpeech(await halfOf(wav('sine=d=8', 'half.m4a')))],
  ['a header of a WAV', 'speech-unreadable', () => withSpeech(new Blob([speech.subarray(0, 20)]))],
  [
    'a text file named .wav',
    'speech-unreadable',
    () => withSpeech(new Blob(['This is a text about speech.\n'.repeat(99)])),
  ],
  ['a picture as speech', 'speech-unreadable', () => withSpeech(inputs.portrait)],
  ['random bytes', 'speech-unreadable', () => withSpeech(new Blob([randomBytes(50_000)]))],
  [
    'a playlist that names a file of this machine',
    'speech-unreadable',
    () => withSpeech(new Blob(['#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'])),
  ],
  [
    'a recording of no length',
    'speech-too-short',
    async () => withSpeech(await wav('sine=d=0.01', 'none.wav', '-t', '0')),
  ],
  ['half a word', 'speech-too-short', async () => withSpeech(await wav('sine=d=0.1', 'short.wav'))],
  ['speech over the limit', 'speech-too-long', async () => withSpeech(await wav('sine=d=11', 'long.wav'))],
  ['a recording of more bytes than allowed', 'file-too-large', () => withSpeech(new Blob([randomBytes(3_000_001)]))],
  ['a video without sound', 'speech-unreadable', async () => withSpeech(await wav('testsrc2=s=64x64:d=1', 'mute.mp4'))],
];

const portraitCases: Case[] = [
  ['an empty picture', 'media-empty', () => withPortrait(new Blob([]))],
  [
    'a 1x1 picture',
    'portrait-too-small',
    async () => withPortrait(await picture('testsrc2=s=64x64', 'dot.png', '-vf', 'scale=1:1')),
  ],
  ['20000x20000 pixels', 'media-too-large', () => withPortrait(blackPng(20_000))],
  ['a decompression bomb', 'media-too-large', () => withPortrait(blackPng(30_000))],
  [
    'a truncated picture',
    'portrait-incomplete',
    async () => withPortrait((await picture('testsrc2=s=600x600', 'cut.jpg')).slice(0, 9000)),
  ],
  ['a text file named .jpg', 'portrait-unreadable', () => withPortrait(new Blob(['I am a portrait.']))],
  ['sound as a picture', 'portrait-unreadable', () => withPortrait(inputs.speech)],
  [
    'an SVG',
    'portrait-unreadable',
    () => withPortrait(new Blob(['<svg xmlns="http://www.w3.org/2000/svg" width="600" height="600"/>'])),
  ],
  ['a picture of more bytes than allowed', 'file-too-large', () => withPortrait(new Blob([randomBytes(2_000_001)]))],
  [
    'a picture that is all edge',
    'portrait-too-narrow',
    async () => withPortrait(await picture('color=s=8000x200', 'strip.png')),
  ],
];

const specCases: Case[] = [
  ['broken JSON', 'bad-json', () => withSpec('{"prompt": "a person",}')],
  ['an array', 'invalid-spec', () => withSpec([plainSpec])],
  ['null', 'invalid-spec', () => withSpec('null')],
  ['an unknown key', 'unknown-field', () => withSpec({ ...plainSpec, cfg: 5 })],
  ['a key for prototypes', 'unknown-field', () => withSpec('{"prompt":"a person","__proto__":{"admin":true}}')],
  ['no prompt', 'invalid-prompt', () => withSpec({})],
  ['an empty prompt', 'invalid-prompt', () => withSpec({ prompt: '   ' })],
  ['10,000 characters', 'invalid-prompt', () => withSpec({ prompt: 'word '.repeat(2000) })],
  ['control characters', 'invalid-prompt', () => withSpec({ prompt: 'a \u0000 person \u001b[31m' })],
  ['8-bit control characters', 'invalid-prompt', () => withSpec({ prompt: 'a person \u009b31m speaks' })],
  ['a size that is a word', 'invalid-size', () => withSpec({ ...plainSpec, size: 'large' })],
  ['a size of a wall', 'invalid-size', () => withSpec({ ...plainSpec, size: '9999*9999' })],
  ['no clips', 'invalid-clips', () => withSpec({ ...plainSpec, clips: 0 })],
  ['too few steps', 'invalid-steps', () => withSpec({ ...plainSpec, steps: 2 })],
  ['an unknown solver', 'invalid-solver', () => withSpec({ ...plainSpec, solver: 'unipc' })],
  ['a fractional seed', 'invalid-seed', () => withSpec({ ...plainSpec, seed: 1.5 })],
  ['an unknown engine', 'invalid-engine', () => withSpec({ ...plainSpec, engine: 'sora' })],
  ['framesPerClip of a film', 'invalid-frames-per-clip', () => withSpec({ ...plainSpec, framesPerClip: 1e6 })],
  ['a date that is a word', 'invalid-due-at', () => withSpec({ ...plainSpec, dueAt: 'tomorrow' })],
  ['a date in the year 1', 'invalid-due-at', () => withSpec({ ...plainSpec, dueAt: '0001-01-01T00:00:00Z' })],
  ['a date in the year 9999', 'invalid-due-at', () => withSpec({ ...plainSpec, dueAt: '9999-12-31T23:59:59Z' })],
  ['a date just too early', 'invalid-due-at', () => withSpec({ ...plainSpec, dueAt: '2000-01-01T00:00:00+00:01' })],
  ['a date just too late', 'invalid-due-at', () => withSpec({ ...plainSpec, dueAt: '2099-12-31T23:59:00-00:01' })],
  ['metadata that is not text', 'invalid-metadata', () => withSpec({ ...plainSpec, metadata: { a: { b: 1 } } })],
  ['guidance', 'not-supported-yet', () => withSpec({ ...plainSpec, guidanceScale: 5 })],
  ['8-bit arithmetic', 'not-supported-yet', () => withSpec({ ...plainSpec, precision: 'fp8' })],
  [
    'clips that the model was not made for',
    'not-supported-yet',
    () => withSpec({ ...plainSpec, engine: 'liveavatar', framesPerClip: 36 }),
  ],
  ['an oversized spec', 'body-too-large', () => withSpec(`{"prompt":"${'x'.repeat(300_000)}"}`)],
];

const partCases: Case[] = [
  ['no speech', 'missing-part', () => withSpec(plainSpec).slice(0, 2)],
  ['no parts', 'missing-part', () => []],
  ['two specs', 'duplicate-part', () => [['spec', plainSpec], ...withSpec(plainSpec)]],
  ['two portraits', 'duplicate-part', () => [['portrait', inputs.portrait], ...withSpec(plainSpec)]],
  ['a portrait under both its names', 'duplicate-part', () => [['image', inputs.portrait], ...withSpec(plainSpec)]],
  ['speech under both its names', 'duplicate-part', () => [...withSpec(plainSpec), ['audio', inputs.speech]]],
  ['a part that does not exist', 'unknown-part', () => [...withSpec(plainSpec), ['video', 'x']]],
  [
    'a portrait as text',
    'not-a-file',
    () => [
      ['spec', plainSpec],
      ['portrait', 'portrait.png'],
      ['speech', inputs.speech],
    ],
  ],
  ['ten parts', 'unknown-part', () => [...Array.from({ length: 10 }, (): Parts[number] => ['x', 'y'])]],
];

describe.each([
  ['speech', speechCases],
  ['portrait', portraitCases],
  ['spec', specCases],
  ['parts', partCases],
])('bad %s', (_kind, cases) => {
  it.each(cases)('%s is refused as %s', async (_name, code, make) => {
    const before = await storedKeys(farm.storage);
    const { status, headers, body } = await submit<Problem>(farm, await make());
    expect({ code: body.code, detail: body.detail }).toMatchObject({ code });
    expect(status).toBe(body.status);
    expect([400, 413, 422]).toContain(status);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body.detail.length).toBeGreaterThan(15);
    expect(body.detail).not.toMatch(/jobs\/|\/tmp|undefined|\[object/);
    expect(await storedKeys(farm.storage)).toEqual(before);
    expect((await readdir(farm.directory)).filter((name) => name.startsWith('farm-judge-'))).toEqual([]);
  });
});

it('a part without a name is refused', async () => {
  const before = await storedKeys(farm.storage);
  const { status, body } = await call(`${farm.url}/v1/jobs`, farm.key, {
    method: 'POST',
    headers: { 'content-type': 'multipart/form-data; boundary=x' },
    body: '--x\r\ncontent-disposition: form-data\r\n\r\nhello\r\n--x--\r\n',
  });
  expect([status, body.code]).toEqual([422, 'unknown-part']);
  expect(body.detail).toBe('A part has no name. Send spec (JSON), portrait and speech.');
  expect(await storedKeys(farm.storage)).toEqual(before);
});

describe('odd inputs that are good', () => {
  const accepted = async (parts: Parts) => {
    const { status, body } = await submit(farm, parts);
    expect({ status, detail: (body as unknown as Problem).detail }).toMatchObject({ status: 201 });
    return body;
  };

  it.each([
    ['16 bits per channel', 'deep.png', ['-pix_fmt', 'rgb48be']],
    ['grey', 'grey.jpg', ['-pix_fmt', 'gray']],
    ['with transparency', 'clear.png', ['-pix_fmt', 'rgba']],
  ])('a picture with %s', async (_name, file, args) => {
    const job = await accepted(withPortrait(await picture('testsrc2=s=600x800', file, ...args)));
    expect(job.spec).toMatchObject({ width: 256, height: 384 });
  });

  it('a picture in CMYK', async () => {
    expect((await accepted(withPortrait(cmykJpeg()))).spec).toMatchObject({ width: 256, height: 256 });
  });

  it('an animated GIF, of which the first frame is used', async () => {
    const job = await accepted(withPortrait(await wav('testsrc2=s=600x600:d=1:r=5', 'moving.gif')));
    expect(job.warnings.map(({ code }) => code)).toContain('portrait-animated');
  });

  it('a picture turned by EXIF, in the shape that a person sees', async () => {
    const upright = Buffer.from(await (await picture('testsrc2=s=800x600', 'turned.jpg')).arrayBuffer());
    const exif = Buffer.from(
      'ffe1002245786966000049492a00080000000100120103000100000006000000 00000000'.replaceAll(' ', ''),
      'hex',
    );
    const turned = Buffer.concat([upright.subarray(0, 2), exif, upright.subarray(2)]);
    expect((await accepted(withPortrait(new Blob([turned])))).spec).toMatchObject({ width: 256, height: 384 });
  });

  it('a spec that an editor began with a byte order mark', async () => {
    expect((await accepted(withSpec(`\ufeff${JSON.stringify(plainSpec)}`))).spec.prompt).toBe(plainSpec.prompt);
  });

  it('an MP3 that does not state its length, which is then measured', async () => {
    const quietFirst = "aevalsrc='0.4*random(0)*gt(t,2)':d=4:s=44100";
    const mp3 = await wav(quietFirst, 'guessed.mp3', '-q:a', '3', '-write_xing', '0');
    // Three clips hold 5.76 s; the estimate is nearly twice the four seconds.
    const { body } = await submit<Problem>(farm, [
      ['spec', { ...plainSpec, clips: 2 }],
      ['portrait', inputs.portrait],
      ['speech', mp3],
    ]);
    expect(body).toMatchObject({ code: 'speech-longer-than-clips', neededClips: 3 });
    expect(Math.abs(Number(body.speechSeconds) - 4)).toBeLessThan(0.2);
  });

  it('path tricks in file names, which have no effect', async () => {
    for (const name of [
      '../../../../etc/passwd',
      '..\\..\\evil.wav',
      '/etc/shadow',
      'a\u0000b.png',
      `${'n'.repeat(3000)}.png`,
    ]) {
      const job = await accepted([
        ['spec', plainSpec],
        ['portrait', inputs.portrait, name],
        ['speech', inputs.speech, name],
      ]);
      for (const key of await storedKeys(farm.storage, `jobs/${job.id}/`))
        expect(key).toMatch(/^jobs\/[0-9a-z]{26}\/input\/((portrait|speech)(\.(png|wav))?|job\.json)$/);
    }
    const keys = await storedKeys(farm.storage);
    expect(keys.every((key) => key.startsWith('jobs/'))).toBe(true);
  });
});
