/** Live Avatar's own flags on `farm submit`, turned into the farm's. Everything else passes as it is. */
export function translateSubmitArguments(commandLine: readonly string[], _tell: (note: string) => void): string[] {
  return [...commandLine];
}
