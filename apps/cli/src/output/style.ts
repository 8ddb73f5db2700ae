import { styleText } from 'node:util';

type Format = Parameters<typeof styleText>[0];

/** Colours text, or returns it unchanged where colour is off. */
export type Paint = (format: Format, text: string) => string;

export function painter(colour: boolean): Paint {
  return colour ? (format, text) => styleText(format, text, { validateStream: false }) : (_format, text) => text;
}

/** Colour is for terminals; NO_COLOR (unless empty) turns it off, FORCE_COLOR on. */
export function wantsColour(stream: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR && environment.FORCE_COLOR !== '0') return true;
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
