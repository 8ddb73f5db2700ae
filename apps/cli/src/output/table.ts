import type { Paint } from './style.js';

/** Columns as wide as their content, two spaces apart; the header is dim on a terminal. */
export function table(header: readonly string[], rows: ReadonlyArray<readonly string[]>, paint: Paint): string {
  const widths = header.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  const layOut = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [paint('dim', layOut(header)), ...rows.map(layOut)].join('\n');
}
