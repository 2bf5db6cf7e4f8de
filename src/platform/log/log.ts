import { once } from 'node:events';
import { closeSync, fchmodSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { type Level, type Logger as PinoLogger, pino } from 'pino';
import { contextIfAny } from '../context/context.ts';
import { redact } from './redact.ts';

/** Log lines: fields, then a sentence. `child` puts fields on every line, such as the service's name. */
export type Log = Pick<PinoLogger, Level | 'child' | 'isLevelEnabled'>;

export interface OpenLog {
  readonly log: Log;
  /** Goes on in a new file of the same name, after the old one was moved away. */
  reopen(): void;
  /** Writes what is still in memory. */
  close(): Promise<void>;
}

/**
 * Opens the program's log: a line of JSON for each entry, with the ids of the request that it belongs to.
 * Secrets are taken out of every line. A line below the level costs one call of an empty function.
 * @param options.file readable by its owner only; standard output when absent or empty
 * @throws Error of `node:fs` when the file can't be written
 */
export function openLog(options: { level: Level | 'silent'; file?: string }): OpenLog {
  const file = options.file === undefined || options.file === '' ? undefined : options.file;
  if (file !== undefined) makePrivate(file);
  const destination = pino.destination({ dest: file ?? 1, mode: 0o600, sync: false });
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
      mixin: requestFields,
      hooks: { streamWrite: redact },
    },
    destination,
  );
  return {
    log,
    reopen: () => destination.reopen(),
    async close() {
      if (file === undefined) return destination.flushSync();
      const closed = once(destination, 'close');
      destination.end();
      await closed;
    },
  };
}

/** Makes sure now, and not at the first line, that the file can be written, and by its mode that no one else reads it. */
function makePrivate(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const opened = openSync(file, 'a', 0o600);
  fchmodSync(opened, 0o600);
  closeSync(opened);
}

/** Who and what a line is about; a line outside any request has none of it. */
function requestFields(): object {
  const context = contextIfAny();
  if (!context) return {};
  return {
    request_id: context.requestId,
    global_request_id: context.globalRequestId,
    user_id: context.credentials?.userId,
    project_id: context.credentials?.projectId,
  };
}
