/**
 * The last `lines` lines of a text, as nova cuts them: a text that ends in a line end has no empty line after it.
 *
 * @param lines `undefined` for all
 */
export function lastLines(text: string, lines?: number): string {
  if (lines === undefined) return text;
  if (lines <= 0) return '';
  const parts = text.split('\n');
  const ended = parts.at(-1) === '';
  return parts.slice(-(ended ? lines + 1 : lines)).join('\n');
}
