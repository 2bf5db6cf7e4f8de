import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { run } from '../../src/platform/exec/run.ts';
import { TestCloud } from '../cloud.ts';

/** What somebody types, how it must end, and what it must say: on the screen, or as the refusal. */
export type Step = readonly [account: 'admin' | 'demo', line: string, code: number, says?: RegExp];

interface Said {
  code: number;
  out: string;
  err: string;
}

/** A simulated cloud with two stores of images, and a file to upload. Its ports lie below those that systems lend. */
export class ClientCloud extends TestCloud {
  readonly #directory: string;

  constructor() {
    const directory = mkdtempSync(join(tmpdir(), 'cml-'));
    const stateDir = join(directory, 'a');
    super(stateDir, ['--simulated', '--port-offset', String(randomInt(10_000, 20_000))]);
    this.#directory = directory;
    mkdirSync(stateDir, { mode: 0o700 });
    writeFileSync(
      join(stateDir, 'cumulet.yaml'),
      'image: { enabled_backends: { fast: file, archive: file } }\n',
    );
    writeFileSync(this.file, randomBytes(300_000));
  }

  get file(): string {
    return join(this.#directory, 'disk.raw');
  }

  async destroy(): Promise<void> {
    await this.command('destroy', '--yes').catch(() => {});
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Runs a script of this folder with the Python that has the clients. */
  async python(script: string, input = ''): Promise<string> {
    const path = fileURLToPath(new URL(script, import.meta.url));
    const env = { OS_CLIENT_CONFIG_FILE: join(this.stateDir, 'clouds.yaml'), DISK: this.file };
    const { stdout } = await run([python, path], { deadline: 240_000, input, env });
    return stdout;
  }

  async type(steps: readonly Step[]): Promise<Said[]> {
    const accounts = { admin: this.#environment('admin'), demo: this.#environment('demo') };
    const commands = steps.map(([account, line]) => [account, ...wordsOf(line, this.file)]);
    return JSON.parse(await this.python('typist.py', JSON.stringify({ accounts, commands }))) as Said[];
  }

  #environment(account: string): Record<string, string> {
    const text = readFileSync(join(this.stateDir, `${account}-openrc`), 'utf8');
    return Object.fromEntries(
      [...text.matchAll(/export (\w+)='([^']*)'/g)].map(([, name, value]) => [name, value]),
    );
  }
}

/** A line's words: quotes hold together, FILE is the file to upload. */
const wordsOf = (line: string, file: string): string[] =>
  [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare]) => quoted ?? bare?.replace('FILE', file) ?? '',
  );

/** Where a program is that Debian's Python runs, and that Python. */
function pythonOf(program: string): string | undefined {
  for (const directory of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(directory, program);
    if (existsSync(path)) return /^#!\s*(\S+)/.exec(readFileSync(path, 'latin1').slice(0, 200))?.[1];
  }
  return undefined;
}
const python = pythonOf('openstack') ?? 'python3';

/** Why clients cannot be tried here; `undefined` where they can. */
export async function whyNotTyped(...modules: string[]): Promise<string | undefined> {
  const missing = `import importlib.util as u; print(*[n for n in ${JSON.stringify(modules)} if not u.find_spec(n)])`;
  const { stdout } = await run([python, '-c', missing]).catch(() => ({ stdout: modules.join(' ') }));
  const names = stdout.trim();
  return names === '' ? undefined : `needs the clients of scripts/packages.txt (Python has no ${names})`;
}

/** One test for each step, all typed in order at one cloud. */
export async function typedCourse(title: string, steps: readonly Step[]): Promise<void> {
  const lacking = await whyNotTyped('openstackclient', 'glanceclient', 'osc_placement');
  if (lacking) return void test(title, { skip: lacking }, () => {});
  await describe(title, () => {
    const cloud = new ClientCloud();
    let said: Said[] = [];
    before(async () => {
      await cloud.up();
      said = await cloud.type(steps);
    });
    after(() => cloud.destroy());
    for (const [number, [account, line, code, says]] of steps.entries()) {
      test(`${account}: ${line} → ${code}`, () => {
        const { out, err, code: ended } = said[number] ?? { out: '', err: 'was not typed', code: -1 };
        assert.equal(ended, code, `${out}\n${err}`);
        assert.doesNotMatch(err, /Traceback|Multiple Choices/);
        if (says) assert.match(code === 0 ? out : err, says);
      });
    }
  });
}
