import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { cachingAuthenticator } from '../src/platform/auth/authenticator.ts';
import type { Credentials } from '../src/platform/auth/credentials.ts';
import { openBus } from '../src/platform/bus/bus.ts';
import { run } from '../src/platform/exec/run.ts';
import { serviceHost } from '../src/platform/service/host.ts';
import type { Logger } from '../src/platform/service/service.ts';
import { placementPolicy } from '../src/services/placement/policy/rules.ts';
import { placement } from '../src/services/placement/service.ts';
import type { Result } from './results.ts';

/** Debian's Python, which has gabbi; another one in the path does not. */
const python = '/usr/bin/python3';

/**
 * Runs placement's functional suite, each file against a placement of its own with an empty database, by Debian's
 * gabbi-run over HTTP on loopback.
 *
 * @param suite upstream's `placement/tests/functional`: a checkout's, or a Debian source package's
 * @param pick which files to run, by name without `.yaml`
 * @returns one result for each request, named `placement_gabbi.file.name_of_the_request`
 */
export async function runGabbi(
  suite: string,
  pick: (file: string) => boolean,
  progress: (line: string) => void,
): Promise<Result[]> {
  const folder = join(suite, 'gabbits');
  if (!existsSync(folder) || !existsSync(join(suite, 'fixtures/gabbits.py')))
    throw new Error(`${suite} is not placement/tests/functional: it has no gabbits and fixtures/gabbits.py`);
  if (!existsSync('/usr/bin/gabbi-run'))
    throw new Error('gabbi-run is missing: apt-get install python3-gabbi');
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml') && pick(basename(name, '.yaml')));
  const results: Result[] = [];
  for (const file of files) {
    const some = await runFile(suite, join(folder, file));
    const passed = some.filter(({ result }) => result === 'passed').length;
    progress(`${passed === some.length ? 'passed' : 'FAILED'} ${passed} of ${some.length}  ${file}`);
    results.push(...some);
  }
  return results;
}

async function runFile(suite: string, path: string): Promise<Result[]> {
  const scratch = mkdtempSync(join(tmpdir(), 'conformance-gabbi-'));
  const fixture = fixtureOf(readFileSync(path, 'utf8'));
  const { url, close } = await startPlacement(join(scratch, 'state'), fixture);
  try {
    const ready = join(scratch, basename(path));
    const helper = join(import.meta.dirname, 'gabbi-fixture.py');
    const { stdout } = await run([python, helper, suite, path, url, ready], { deadline: 120_000 });
    const env = { ...(JSON.parse(stdout) as Record<string, string>), PYTHONUTF8: '1' };
    const { stderr } = await run([python, '/usr/bin/gabbi-run', url, '--', ready], {
      deadline: 300_000,
      accept: [0, 1],
      env,
    });
    return readResults(stderr, basename(path, '.yaml'));
  } finally {
    await close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** The first fixture that a file names: none names two. */
const fixtureOf = (text: string): string => /^fixtures:\n(?: *#.*\n)* *- *(\w+)/m.exec(text)?.[1] ?? '';

/**
 * gabbi-run's report: a line for each test with ✓, ✗, E (error) or - (skipped), then the failures at length.
 * What comes after a colon is a description.
 */
export function readResults(text: string, file: string): Result[] {
  const lines = text.split('\n');
  const prefix = `gabbi-runner.${file}_`;
  const nameIn = (line: string): string => {
    const name = line.slice(line.indexOf(prefix) + prefix.length);
    return `placement_gabbi.${file}.${name.split(': ')[0] ?? name}`;
  };
  const errors = new Map<string, string>();
  for (const [at, line] of lines.entries()) {
    if (!/^(FAIL|ERROR): /.test(line)) continue;
    const rest = lines.slice(at + 1);
    const end = rest.findIndex((each) => !each.startsWith('\t'));
    const said = rest.slice(0, end < 0 ? rest.length : end).map((each) => each.slice(1));
    errors.set(nameIn(line), said.join('\n'));
  }
  const results: Result[] = [];
  for (const line of lines) {
    const [, mark] = /^(?:\.\.\. )*([✓✗E-]) gabbi-runner\./.exec(line) ?? [];
    if (mark === undefined) continue;
    const name = nameIn(line);
    const result = mark === '✓' ? 'passed' : mark === '-' ? 'skipped' : 'failed';
    results.push({ name, result, text: errors.get(name) ?? '' });
  }
  if (results.length === 0) throw new Error(`gabbi-run said nothing about ${file}: ${text.slice(-500)}`);
  return results;
}

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: (fields, message) => {
    const { err } = fields as { err?: unknown };
    process.stderr.write(`${message}: ${err instanceof Error ? err.stack : JSON.stringify(fields)}\n`);
  },
};

/** Placement alone on a free port of loopback, believing the fake tokens that the suite sends. */
async function startPlacement(
  stateDir: string,
  fixture: string,
): Promise<{ url: string; close(): Promise<void> }> {
  mkdirSync(join(stateDir, 'placement'), { recursive: true });
  const policy = policyOf(fixture);
  if (policy) writeFileSync(join(stateDir, 'placement/policy.yaml'), JSON.stringify(policy));
  const bus = await openBus('memory:');
  const host = serviceHost(
    {
      stateDir,
      address: '127.0.0.1',
      portOffset: 0,
      anyPort: true,
      host: 'host-1',
      region: 'RegionOne',
      settings: { hypervisor: 'simulated', networking: 'simulated' },
      databaseUrl: () => 'sqlite::memory:',
      bus,
      authenticator: cachingAuthenticator(async (token) => credentialsIn(token)),
      log: silent,
      ...(fixture === 'CORSFixture' ? { corsOrigins: ['http://valid.example.com'] } : {}),
    },
    { identity: 5000, placement: 8778 },
  );
  const close = async () => {
    await host.close();
    await bus.close();
  };
  try {
    await host.start(placement);
    return { url: host.urls()['placement'] ?? '', close };
  } catch (error) {
    await close();
    throw error;
  }
}

/**
 * What an operator would write into policy.yaml to have the policy of a fixture. All but one of upstream's leave the
 * deprecated rules in force, by which an administrator may do what services and a project's readers may.
 */
function policyOf(fixture: string): Record<string, string> | undefined {
  if (fixture === 'SecureRBACPolicyFixture') return undefined;
  if (fixture === 'OpenPolicyFixture') {
    const names = placementPolicy.rules.map(({ name }) => name);
    return Object.fromEntries(
      names.filter((name) => name.startsWith('placement:')).map((name) => [name, '@']),
    );
  }
  return {
    service_api: 'role:service or role:admin',
    project_reader_api: '(role:reader and project_id:%(project_id)s) or role:admin',
  };
}

/** `noauth2;user:project;roles;system;project`, as gabbi-fixture.py spells upstream's fake tokens out. */
function credentialsIn(said: string): Credentials | null {
  const [kind, token = '', roles = '', system = '', named = ''] = said.split(';');
  if (kind !== 'noauth2') return null;
  const [userId = '', project = ''] = token.split(':');
  const now = new Date();
  return {
    userId,
    userName: userId,
    userDomainId: 'default',
    userDomainName: 'Default',
    ...(system === 'all'
      ? { system: 'all' }
      : { projectId: named || project || userId, projectName: 'p', projectDomainId: 'default' }),
    roles: roles.split(',').filter(Boolean),
    isAdminProject: true,
    serviceRoles: [],
    methods: ['password'],
    auditIds: [],
    issuedAt: now.toISOString(),
    expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
  };
}
