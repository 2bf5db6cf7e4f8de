import { type ChildProcess, spawn } from 'node:child_process';

/** How a command is run; everything has a default. */
export interface RunOptions {
  /** Milliseconds until the command is killed and the run fails. Default 30,000. */
  deadline?: number;
  /** Text or bytes for the command's standard input. */
  input?: string | Uint8Array;
  /** Added to (or, with `undefined`, taken out of) this process's environment. */
  env?: Record<string, string | undefined>;
  cwd?: string;
  /** Exit statuses that are not an error. Default `[0]`. */
  accept?: readonly number[];
  /** The most bytes of output that are kept; more is an error. Default 64 MiB. */
  outputLimit?: number;
  signal?: AbortSignal;
}

/** What a finished command printed. */
export interface RunResult {
  status: number;
  stdout: string;
  stderr: string;
}

/** A command that could not be started, ran too long, or ended with a status that was not accepted. */
export class CommandFailed extends Error {
  readonly command: readonly string[];
  readonly status: number | null;
  readonly stderr: string;

  constructor(command: readonly string[], status: number | null, reason: string, stderr: string) {
    const last = stderr.trim().split('\n').slice(-3).join(' | ').slice(-400);
    super(`${command.join(' ').slice(0, 300)}: ${reason}${last ? `: ${last}` : ''}`);
    this.name = 'CommandFailed';
    this.command = command;
    this.status = status;
    this.stderr = stderr;
  }
}

/**
 * Runs one command without a shell and waits for its end.
 *
 * @param command the program and its arguments
 * @returns exit status and output as UTF-8 text
 * @throws CommandFailed with the command, its status and the last words of its stderr
 */
export function run(command: readonly [string, ...string[]], options: RunOptions = {}): Promise<RunResult> {
  const { deadline = 30_000, accept = [0], outputLimit = 64 << 20 } = options;
  const [program, ...args] = command;
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ? { ...process.env, ...options.env } : process.env,
      signal: options.signal,
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    let size = 0;
    let reason: string | undefined;
    const end = (why: string) => {
      reason = why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end(`no end after ${deadline} ms`), deadline);
    const keep = (chunks: Buffer[]) => (chunk: Buffer) => {
      size += chunk.length;
      if (size > outputLimit) end(`more than ${outputLimit} bytes of output`);
      else chunks.push(chunk);
    };
    child.stdout?.on('data', keep(out));
    child.stderr?.on('data', keep(err));
    // A command that exits without reading its input is judged by its status, not by EPIPE.
    child.stdin?.on('error', () => {});
    child.on('error', (error) => {
      clearTimeout(timer);
      reject(new CommandFailed(command, null, error.message, ''));
    });
    child.on('close', (status, signal) => {
      clearTimeout(timer);
      const stderr = Buffer.concat(err).toString();
      if (reason) reject(new CommandFailed(command, status, reason, stderr));
      else if (status === null) reject(new CommandFailed(command, null, `ended by ${signal}`, stderr));
      else if (!accept.includes(status))
        reject(new CommandFailed(command, status, `exit status ${status}`, stderr));
      else resolve({ status, stdout: Buffer.concat(out).toString(), stderr });
    });
    child.stdin?.end(options.input);
  });
}
