import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../run.ts';

/** A command whose calls are written down, and carried out. */
export interface ToldCommand {
  /** The arguments of each call since this was last asked. */
  calls(): Promise<string[]>;
  /** The command is found as before. */
  restore(): void;
}

/** Puts a command before the real one of that name into this process's `PATH`; its files lie in `folder`. */
export async function tellCommand(name: string, folder: string): Promise<ToldCommand> {
  const path = process.env['PATH'] ?? '';
  const { stdout } = await run(['sh', '-c', 'command -v "$0"', name]);
  const bin = join(folder, 'bin');
  const log = join(folder, 'calls');
  await mkdir(bin);
  await writeFile(join(bin, name), `#!/bin/sh\necho "$@" >> ${log}\nexec ${stdout.trim()} "$@"\n`);
  await chmod(join(bin, name), 0o755);
  process.env['PATH'] = `${bin}:${path}`;
  return {
    async calls() {
      const text = await readFile(log, 'utf8').catch(() => '');
      await rm(log, { force: true });
      return text.split('\n').filter(Boolean);
    },
    restore() {
      process.env['PATH'] = path;
    },
  };
}
