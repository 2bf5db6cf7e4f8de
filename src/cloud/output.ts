import Table from 'cli-table3';

/** How a command prints what it found. */
export type Format = 'table' | 'json';

/** Prints rows: a table for people, JSON for programs. Columns are in the order of the first row. */
export function printRows(rows: readonly Record<string, unknown>[], format: Format): void {
  if (format === 'json') {
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  const [first] = rows;
  if (!first) {
    console.log('(none)');
    return;
  }
  const names = Object.keys(first);
  const table = new Table({ head: names, style: { head: [], border: [] } });
  for (const row of rows) table.push(names.map((name) => shown(row[name])));
  console.log(table.toString());
}

const shown = (value: unknown): string =>
  value === null || value === undefined
    ? ''
    : typeof value === 'object'
      ? JSON.stringify(value)
      : String(value);

/**
 * Tells what a long command is doing, a line a step: `  image … 12 s`. Everything goes to standard error, so that
 * standard output stays what the command answers.
 */
export class Progress {
  readonly #startedAt = performance.now();

  /** Runs a step and prints its name, then how long it took. */
  async step<T>(name: string, work: () => Promise<T>): Promise<T> {
    process.stderr.write(`  ${name} … `);
    const startedAt = performance.now();
    try {
      const result = await work();
      process.stderr.write(`${seconds(performance.now() - startedAt)}\n`);
      return result;
    } catch (error) {
      process.stderr.write('failed\n');
      throw error;
    }
  }

  say(line: string): void {
    process.stderr.write(`${line}\n`);
  }

  get elapsed(): string {
    return seconds(performance.now() - this.#startedAt);
  }
}

const seconds = (milliseconds: number): string =>
  milliseconds < 10_000 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;
