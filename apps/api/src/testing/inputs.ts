import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What every job under test is made of, drawn and spoken by ffmpeg. */
export interface TestInputs {
  portrait: Blob;
  /** Four seconds: tones and pauses. */
  speech: Blob;
}

export async function ffmpeg(directory: string, name: string, ...args: string[]): Promise<Blob> {
  const path = join(directory, name);
  await run('ffmpeg', ['-nostdin', '-v', 'error', '-y', ...args, path]);
  return new Blob([await readFile(path)]);
}

export async function makeInputs(directory: string): Promise<TestInputs> {
  const tones = "aevalsrc='0.4*sin(880*t)*lt(mod(t,1),0.6)':d=4:s=16000";
  return {
    portrait: await ffmpeg(directory, 'portrait.png', '-f', 'lavfi', '-i', 'testsrc2=s=640x768', '-frames:v', '1'),
    speech: await ffmpeg(directory, 'speech.wav', '-f', 'lavfi', '-i', tones),
  };
}
