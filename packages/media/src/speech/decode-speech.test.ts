import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ffmpeg, temporaryFolder, tools } from '../fixtures/make-media.js';
import { cutSpeech } from './cut-speech.js';
import { decodeSpeech } from './decode-speech.js';
import { measureSpeech } from './measure-speech.js';
import { probeSpeech } from './probe-speech.js';
import { readSpeech, writeSpeech } from './wav.js';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const HALF_LOUD = 'sine=f=300:d=2:r=48000,volume=4';

async function make(name: string, ...args: string[]): Promise<string> {
  await ffmpeg('-f', 'lavfi', '-i', HALF_LOUD, ...args, folder.path(name));
  return folder.path(name);
}

const decode = (inputPath: string, extra = {}) =>
  decodeSpeech(tools, { inputPath, outputPath: folder.path('out.wav'), ...extra });

describe('decodeSpeech', () => {
  test.each([
    ['a.wav', [], 32_000, 0],
    ['float.wav', ['-c:a', 'pcm_f32le'], 32_000, 0],
    ['stereo.flac', ['-ac', '2'], 32_000, 0],
    ['six.wav', ['-ac', '6'], 32_000, 0],
    ['low.wav', ['-ar', '8000'], 32_000, 0],
    ['a.mp3', ['-b:a', '96k'], 32_000, 1200],
    ['a.m4a', ['-c:a', 'aac'], 32_000, 1200],
    ['a.ogg', ['-c:a', 'libvorbis'], 32_000, 200],
    ['a.opus', ['-c:a', 'libopus'], 32_000, 200],
  ])(
    '%s becomes mono 16 kHz',
    async (name, args, samples, tolerance) => {
      const path = await make(name, ...args);
      const decoded = await decode(path);
      expect(Math.abs(decoded.sampleCount - samples)).toBeLessThanOrEqual(tolerance);
      expect(decoded.seconds).toBe(decoded.sampleCount / 16_000);
      const speech = await readSpeech(folder.path('out.wav'));
      expect(speech.length).toBe(decoded.sampleCount);
      // 300 Hz crosses zero 600 times per second, whatever the sample rate of the source.
      const second = speech.subarray(8000, 24_000);
      const crossings = second.filter((sample, index) => index > 0 && sample >= 0 !== second[index - 1]! >= 0).length;
      expect(Math.abs(crossings - 600)).toBeLessThanOrEqual(2);
    },
    60_000,
  );

  test('the same file gives the same samples', async () => {
    const path = await make('again.mp3');
    const hashes = new Set<string>();
    for (let round = 0; round < 3; round += 1) {
      await decode(path);
      hashes.add(
        createHash('sha256')
          .update(await readFile(folder.path('out.wav')))
          .digest('hex'),
      );
    }
    expect(hashes.size).toBe(1);
  }, 60_000);

  test('reports the facts, and names do not count', async () => {
    const path = folder.path('misnamed.txt');
    await writeFile(path, await readFile(await make('facts.flac', '-ac', '2')));
    expect(await probeSpeech(tools, path)).toEqual({
      format: 'flac',
      codec: 'flac',
      sampleRate: 48_000,
      channels: 2,
      seconds: 2,
      estimated: false,
    });
  });

  test.each([
    ['pcm_u8', []],
    ['pcm_s16le', ['-ac', '2']],
    ['pcm_s16le', ['-ar', '8000']],
  ])('the header of a whole WAV of %s says what ffprobe would say', async (codec, args) => {
    const path = await make('plain.wav', '-c:a', codec, ...args);
    const fromHeader = await probeSpeech({ ...tools, ffprobePath: 'no-such-program' }, path);
    // Without a known length, ffprobe is asked.
    const bytes = await readFile(path);
    bytes.writeUInt32LE(0xffff_ffff, bytes.indexOf('data') + 4);
    await writeFile(folder.path('endless.wav'), bytes);
    expect(fromHeader).toEqual(await probeSpeech(tools, folder.path('endless.wav')));
    expect(fromHeader).toMatchObject({ format: 'wav', codec, seconds: 2 });
  });

  test('a WAV whose header does not add up is left to ffprobe', async () => {
    const whole = await readFile(await make('odd.wav'));
    const format = whole.indexOf('fmt ') + 8;
    for (const [offset, value] of [
      [2, 0],
      [2, 3],
      [12, 1],
      [14, 12],
    ] as const) {
      const bytes = Buffer.from(whole);
      bytes.writeUInt16LE(value, format + offset);
      await writeFile(folder.path('odd.wav'), bytes);
      const asked = probeSpeech({ ...tools, ffprobePath: 'no-such-program' }, folder.path('odd.wav'));
      await expect(asked).rejects.toMatchObject({ code: 'ffmpeg-missing' });
    }
  });

  const half = async (path: string, name: string) => {
    const bytes = await readFile(path);
    await writeFile(folder.path(name), bytes.subarray(0, Math.floor(bytes.length / 2)));
    return folder.path(name);
  };
  const write = async (name: string, bytes: Buffer | string) => {
    await writeFile(folder.path(name), bytes);
    return folder.path(name);
  };
  const expectRefused = (path: string, code: string, reason: RegExp, extra = {}) =>
    expect(decode(path, extra)).rejects.toMatchObject({ code, status: 422, message: expect.stringMatching(reason) });

  test('what is not a recording is refused with a reason', async () => {
    await expectRefused(await write('empty.wav', ''), 'media-empty', /empty \(0 bytes\)/);
    await expectRefused(
      await write('text.wav', 'this is not sound\n'.repeat(99)),
      'speech-unreadable',
      /not an audio file/,
    );
    await expectRefused(
      await write('text.mp3', 'this is not sound\n'.repeat(99)),
      'speech-unreadable',
      /not an audio file/,
    );
    await expectRefused(
      await write('list.m4a', "ffconcat version 1.0\nfile '/etc/passwd'\n"),
      'speech-unreadable',
      /not an audio/,
    );
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x64:d=1', folder.path('mute.mp4'));
    await expectRefused(folder.path('mute.mp4'), 'speech-unreadable', /not an audio file/);
    await ffmpeg('-f', 'lavfi', '-i', 'testsrc2=s=64x64', '-frames:v', '1', folder.path('picture.png'));
    await expectRefused(folder.path('picture.png'), 'speech-unreadable', /not an audio file/);
  }, 60_000);

  test('what is cut off is refused', async () => {
    await expectRefused(
      await half(await make('whole.wav'), 'half.wav'),
      'speech-incomplete',
      /cut off.*Send the complete/,
    );
    await expectRefused(await half(await make('whole.m4a'), 'half.m4a'), 'speech-unreadable', /beginning or end/);
    const mp3 = await half(await make('whole.mp3'), 'half.mp3');
    await expectRefused(mp3, 'speech-incomplete', /announces 2\.\d+ s of sound and holds [01]\./);
    await expectRefused(
      await write('header.wav', (await readFile(folder.path('whole.wav'))).subarray(0, 40)),
      'speech-unreadable',
      /not an audio/,
    );
  }, 60_000);

  test('a length that was only estimated is not a promise', async () => {
    // Silence first: its low bit rate makes ffprobe expect three times the length.
    const source = ['-f', 'lavfi', '-i', "aevalsrc='0.4*random(0)*gt(t,6)':d=12:s=44100", '-q:a', '2'];
    for (const [name, options, estimated] of [
      ['said.mp3', [], false],
      ['tagged.mp3', ['-metadata', `comment=${'long '.repeat(2000)}`], false],
      ['guessed.mp3', ['-write_xing', '0'], true],
    ] as const) {
      await ffmpeg(...source, ...options, folder.path(name));
      const { seconds, source: facts } = await decode(folder.path(name));
      expect(facts.estimated, name).toBe(estimated);
      expect(Math.abs(seconds - 12), name).toBeLessThan(0.2);
      expect(facts.seconds > 13, name).toBe(estimated);
    }
  }, 60_000);

  test.each([
    [-55, 20],
    [-40, 5],
    [-34, 0],
    [-20, 0],
  ])(
    'speech at %d dB is raised by %d, however long its pauses',
    async (level, raisedDb) => {
      const path = folder.path(`quiet${level}.wav`);
      // 0.2 s of every 2 s are spoken: the level of all of it is 10 dB lower.
      const rms = 32_768 * 10 ** (level / 20);
      const spoken = (index: number) => index % 32_000 < 3200;
      const samples = Int16Array.from({ length: 160_000 }, (_, index) =>
        Math.round(rms * (spoken(index) ? Math.SQRT2 : 0.03) * Math.sin(index / 9)),
      );
      samples[50_000] = 32_767;
      await writeSpeech(path, samples);
      const decoded = await decode(path);
      expect(decoded.raisedDb).toBeCloseTo(raisedDb, 0);
      const raised = await readSpeech(folder.path('out.wav'));
      const factor = 10 ** (decoded.raisedDb / 20);
      expect(raised[50_000]).toBe(32_767);
      expect([...raised.subarray(0, 40_000)].every((sample, i) => Math.abs(sample - samples[i]! * factor) <= 0.5)).toBe(
        true,
      );
    },
    60_000,
  );

  test('what is silent stays so', async () => {
    const path = folder.path('silent.wav');
    await writeSpeech(
      path,
      Int16Array.from({ length: 32_000 }, (_, index) => (index % 2 ? 20 : -20)),
    );
    expect((await decode(path)).raisedDb).toBe(0);
    await writeSpeech(path, new Int16Array(32_000));
    expect((await decode(path)).raisedDb).toBe(0);
  });

  test('limits are kept', async () => {
    const path = await make('long.wav');
    const limits = { maximumBytes: 1e9, maximumSeconds: 1.5, minimumSeconds: 0.2 };
    await expectRefused(path, 'speech-too-long', /lasts 2\.0 s; at most 1\.5/, { limits });
    await expectRefused(path, 'media-too-large', /at most 0\.0/, { limits: { ...limits, maximumBytes: 1000 } });
    await expectRefused(await make('short.wav', '-t', '0.05'), 'speech-too-short', /at least 0\.2 s/);
  }, 60_000);

  test('an abort stops it', async () => {
    const path = await make('aborted.wav');
    await expect(decode(path, { signal: AbortSignal.abort(new Error('canceled')) })).rejects.toThrow('canceled');
  });
});

describe('cutSpeech', () => {
  test('cuts to the sample, and writes only samples of the recording', async () => {
    const speechPath = folder.path('ramp.wav');
    const ramp = Int16Array.from({ length: 5000 }, (_, index) => index + 1);
    await writeSpeech(speechPath, ramp);
    const cut = async (firstSample: number, sampleCount: number, marginSamples: number) => {
      const outputPath = folder.path('cut.wav');
      const facts = await cutSpeech({ speechPath, outputPath, firstSample, sampleCount, marginSamples });
      return { ...facts, samples: await readSpeech(outputPath) };
    };
    const expected = (marginBefore: number, sampleCount: number, from: number, to: number) => ({
      marginBefore,
      sampleCount,
      samples: ramp.slice(from, to),
    });
    expect(await cut(1000, 640, 320)).toEqual(expected(320, 640, 680, 1960));
    expect(await cut(0, 640, 320)).toEqual(expected(0, 640, 0, 960));
    expect(await cut(200, 640, 320)).toEqual(expected(200, 640, 0, 1160));
    expect(await cut(3840, 640, 640)).toEqual(expected(640, 640, 3200, 5000));
    expect(await cut(4480, 640, 320)).toEqual(expected(320, 520, 4160, 5000));
    expect(await cut(0, 6400, 320)).toEqual(expected(0, 5000, 0, 5000));
  });

  test('accepts only speech that was decoded completely', async () => {
    const stereo = await make('stereo.wav', '-ac', '2');
    await expect(readSpeech(stereo)).rejects.toMatchObject({ code: 'wav-unsupported' });
    const speechPath = folder.path('torn.wav');
    await writeSpeech(speechPath, new Int16Array(1000));
    await writeFile(speechPath, (await readFile(speechPath)).subarray(0, 1000));
    await expect(readSpeech(speechPath)).rejects.toMatchObject({ code: 'wav-unsupported' });
  });
});

test('measureSpeech reports silence, loudness and clipping', () => {
  expect(measureSpeech(new Int16Array(16_000))).toEqual({ peak: 0, rms: 0, clippedShare: 0, silent: true });
  expect(measureSpeech(new Int16Array(0))).toEqual({ peak: 0, rms: 0, clippedShare: 0, silent: true });
  const hiss = Int16Array.from({ length: 16_000 }, (_, index) => (index % 2 ? 10 : -10));
  expect(measureSpeech(hiss).silent).toBe(true);
  const word = hiss.slice();
  word.fill(8192, 4000, 4320);
  expect(measureSpeech(word)).toMatchObject({ silent: false, peak: 0.25 });
  const square = Int16Array.from({ length: 1000 }, (_, index) => (index % 2 ? 32_767 : -32_768));
  const { peak, rms, clippedShare } = measureSpeech(square);
  expect([peak, clippedShare]).toEqual([1, 1]);
  expect(rms).toBeCloseTo(1, 3);
});
