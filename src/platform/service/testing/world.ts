import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cachingAuthenticator, type ValidateToken } from '../../auth/authenticator.ts';
import type { Credentials } from '../../auth/credentials.ts';
import { type Bus, openBus } from '../../bus/bus.ts';
import type { Api } from '../../http/api.ts';
import { serviceHost } from '../host.ts';
import type { Logger, ServiceDefinition, Settings } from '../service.ts';

/** Somebody who asks, as tests name them: the rest is filled in. */
export type Caller = Partial<Credentials> & { roles: readonly string[] };

/** An answer of the API under test. */
export interface Answered {
  status: number;
  headers: Headers;
  /** Parsed JSON, or the text where it is none. */
  // biome-ignore lint: tests look into bodies of any shape
  // oxlint-disable-next-line typescript/no-explicit-any
  body: any;
}

/** Services that run for a test: the real store in memory, the real bus, real HTTP on loopback. */
export interface World {
  bus: Bus;
  urls: Record<string, string>;
  /** What each service listens with, by its name. */
  apis: ReadonlyMap<string, Api>;
  stateDir: string;
  /** Asks what a service offers its operator: `operate('compute/flows', { all: 'yes' })`. */
  operate<T>(what: string, args?: Record<string, string>): Promise<T>;
  /** A token that speaks for the caller; valid for an hour. */
  tokenFor(caller: Caller): string;
  /** A request to a service: `request('compute', 'GET', '/v2.1/flavors', { as: admin })`. */
  request(
    service: string,
    method: string,
    path: string,
    options?: { as?: string | Caller; body?: unknown; headers?: Record<string, string> },
  ): Promise<Answered>;
  [Symbol.asyncDispose](): Promise<void>;
}

export interface WorldOptions {
  settings?: Partial<Settings>;
  /** Served on the bus before the services start: the contracts of services that are not under test. */
  prepare?(bus: Bus): Promise<void>;
  /** Who validates the tokens that are not the test's own: identity, over the bus, where it is under test. */
  validate?(bus: Bus): ValidateToken;
  log?: Logger;
  /** A folder that outlives the world, as a crash does; default: one that goes with it. */
  stateDir?: string;
  /** Default: a database that goes with the world. */
  databaseUrl?(service: string): string;
  /** Of several worlds that are hosts of one cloud: this one's name, and the bus that they share. */
  host?: string;
  bus?: Bus;
}

export const admin: Caller = {
  roles: ['admin', 'manager', 'member', 'reader'],
  projectId: 'a'.repeat(32),
  userId: 'ad'.repeat(16),
};
export const member: Caller = {
  roles: ['member', 'reader'],
  projectId: 'b'.repeat(32),
  userId: 'be'.repeat(16),
};
export const stranger: Caller = {
  roles: ['member', 'reader'],
  projectId: 'c'.repeat(32),
  userId: 'ce'.repeat(16),
};
export const reader: Caller = { ...member, roles: ['reader'], userId: 'de'.repeat(16) };

const absentPorts = {
  identity: 5000,
  image: 9292,
  placement: 8778,
  compute: 8774,
  network: 9696,
  metadata: 8775,
  console: 6080,
};

const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  // A 500 in a test is shown: it is what the test needs to say why it failed.
  error: (fields, message) => process.stderr.write(`${message}: ${describe(fields)}\n`),
};

const describe = (fields: object): string => {
  const { err } = fields as { err?: unknown };
  return err instanceof Error ? String(err.stack) : JSON.stringify(fields);
};

/**
 * Starts services for a test, on free ports of loopback, in a state directory of their own.
 * Tokens are the test's own, so that a service is tested without identity; disposing ends everything.
 */
export async function startWorld(
  definitions: readonly ServiceDefinition[],
  options: WorldOptions = {},
): Promise<World> {
  const stateDir = options.stateDir ?? (await mkdtemp(join(tmpdir(), 'cumulet-test-')));
  const bus = options.bus ?? (await openBus('memory:'));
  const callers = new Map<string, Credentials>();
  const apis = new Map<string, Api>();
  const validate = options.validate?.(bus) ?? (async () => null);
  const host = serviceHost(
    {
      stateDir,
      address: '127.0.0.1',
      portOffset: 0,
      anyPort: true,
      host: options.host ?? 'host-1',
      region: 'RegionOne',
      settings: { hypervisor: 'simulated', networking: 'simulated', ...options.settings },
      databaseUrl: options.databaseUrl ?? freshDatabases(),
      bus,
      authenticator: cachingAuthenticator(async (token) => callers.get(token) ?? validate(token)),
      log: options.log ?? silent,
    },
    // Services that are not part of the test are named in links and challenges all the same.
    {
      ...absentPorts,
      ...Object.fromEntries(
        definitions.flatMap(({ name, port }) => (port === undefined ? [] : [[name, port]])),
      ),
    },
  );
  const close = async () => {
    await host.close();
    if (!options.bus) await bus.close();
    if (!options.stateDir) await rm(stateDir, { recursive: true, force: true });
  };
  try {
    await options.prepare?.(bus);
    for (const each of definitions) await host.start(noting(each, apis));
  } catch (error) {
    await close();
    throw error;
  }
  const urls = host.urls();
  const tokenFor = (caller: Caller): string => {
    const token = `test-${JSON.stringify(caller)}`.replaceAll(/[^\x21-\x7e]/g, '_');
    callers.set(token, credentialsOf(caller));
    return token;
  };
  return {
    bus,
    urls,
    apis,
    stateDir,
    async operate<T>(what: string, args: Record<string, string> = {}) {
      const answer = host.offers.get(what);
      if (!answer) throw new Error(`nothing is offered as ${what}`);
      return (await answer(args)) as T;
    },
    tokenFor,
    async request(service, method, path, { as, body, headers = {} } = {}) {
      const token = typeof as === 'object' ? tokenFor(as) : as;
      const response = await fetch(`${urls[service]}${path}`, {
        method,
        redirect: 'manual',
        headers: {
          ...(token ? { 'x-auth-token': token } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: parsed(text) };
    },
    [Symbol.asyncDispose]: close,
  };
}

/**
 * A new database for each service of a world: in memory, or on the throw-away server that `CUMULET_TEST_DATABASE_URL`
 * names, so that every test of a service may be run on every kind of database. `{database}` in it becomes a new name.
 */
function freshDatabases(): (service: string) => string {
  const template = process.env['CUMULET_TEST_DATABASE_URL'];
  if (!template) return () => 'sqlite::memory:';
  const world = randomBytes(4).toString('hex');
  return (service) => template.replace('{database}', `test_${world}_${service.replaceAll('-', '_')}`);
}

/** The same service; the API on its own port is noted. */
const noting = (definition: ServiceDefinition, apis: Map<string, Api>): ServiceDefinition => ({
  ...definition,
  start: (platform) =>
    definition.start({
      ...platform,
      listen(api, port, authorizer) {
        if (port === definition.port) apis.set(definition.name, api);
        return platform.listen(api, port, authorizer);
      },
    }),
});

function parsed(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function credentialsOf(caller: Caller): Credentials {
  const userId = caller.userId ?? 'f'.repeat(32);
  const project = caller.projectId
    ? { projectName: caller.projectId, projectDomainId: 'default', projectDomainName: 'Default' }
    : {};
  return {
    userId,
    userName: userId,
    userDomainId: 'default',
    userDomainName: 'Default',
    ...project,
    isAdminProject: true,
    serviceRoles: [],
    methods: ['password'],
    auditIds: ['AAAAAAAAAAAAAAAAAAAAAA'],
    issuedAt: new Date().toISOString(),
    expiresAt: new Date(Date.now() + 3_600_000).toISOString(),
    ...caller,
  };
}
