import { createHash } from 'node:crypto';
import { chmod, mkdir } from 'node:fs/promises';
import type { Server } from 'node:http';
import { join } from 'node:path';
import type { FastifyInstance } from 'fastify';
import type { CachingAuthenticator } from '../auth/authenticator.ts';
import type { Bus } from '../bus/bus.ts';
import { serveApi } from '../http/server.ts';
import { type DenialStyle, denials } from '../policy/denial.ts';
import { Enforcer } from '../policy/enforcer.ts';
import { followPolicyFile } from '../policy/policy-file.ts';
import type { Target } from '../policy/template.ts';
import { type AnyStore, openStore } from '../store/store.ts';
import type {
  Logger,
  OperatorAnswer,
  Platform,
  RunningService,
  ServiceDefinition,
  Settings,
} from './service.ts';

/** Where and how the services of one process run. */
export interface HostOptions {
  /** The cloud's state directory; absolute. */
  stateDir: string;
  /** The address that the APIs listen on and that clients use. */
  address: string;
  portOffset: number;
  /** Listen on any free port instead of the standard ones: for tests. */
  anyPort?: boolean;
  /** This host's name in the cloud. */
  host: string;
  region: string;
  settings: Settings;
  /** Each service's own section, by the service's name. */
  sections?: Readonly<Record<string, unknown>>;
  /** The URL of a service's database: `sqlite:/var/lib/cumulet/compute/compute.db`. */
  databaseUrl(service: string): string;
  bus: Bus;
  authenticator: CachingAuthenticator;
  log: Logger;
  corsOrigins?: readonly string[];
  observe?(request: {
    service: string;
    method: string;
    route: string;
    status: number;
    seconds: number;
  }): void;
}

export interface ServiceHost {
  /** Starts services in the order given; each finds those before it. @throws what the service throws; it is closed then */
  start(definition: ServiceDefinition): Promise<void>;
  /** Base URLs by service name. */
  urls(): Record<string, string>;
  /** What the services offer the operator, as `compute/flows`. */
  readonly offers: ReadonlyMap<string, OperatorAnswer>;
  /** Stops all services, last started first. */
  close(): Promise<void>;
}

/** Six hex digits of the state directory's path: what tells two clouds of one machine apart. */
export const tagOf = (stateDir: string): string =>
  createHash('sha256').update(stateDir).digest('hex').slice(0, 6);

/**
 * Runs services in this process: the same for the whole cloud, for one service among many hosts, and for tests.
 *
 * @param ports the ports of all services of the cloud by name, also of those that run elsewhere
 */
export function serviceHost(options: HostOptions, ports: Readonly<Record<string, number>>): ServiceHost {
  const running: { name: string; close(): Promise<void> }[] = [];
  const urls = new Map<string, string>();
  const offers = new Map<string, OperatorAnswer>();
  const urlOf = (service: string): string => {
    const found = urls.get(service);
    if (found) return found;
    const port = ports[service];
    if (port === undefined) throw new Error(`no service is called '${service}'`);
    return `http://${bracketed(options.address)}:${port + options.portOffset}`;
  };

  async function start(definition: ServiceDefinition): Promise<void> {
    const { name } = definition;
    const stateDir = join(options.stateDir, name);
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    await chmod(stateDir, 0o700);
    const opened: (() => unknown)[] = [];
    const close = async () => {
      for (const each of opened.reverse()) await each();
    };
    const answerOn = async (port: number, server: Server, begin: (at: ListenAt) => Promise<unknown>) => {
      const free = options.anyPort || port === 0;
      const at = { host: options.address, port: free ? 0 : port + options.portOffset };
      const url = await listen(server, at, begin, name);
      if (port === definition.port) urls.set(name, url);
    };
    const platform: Platform = {
      log: options.log,
      bus: options.bus,
      host: options.host,
      region: options.region,
      address: options.address,
      portOffset: options.portOffset,
      stateDir,
      cloudDir: options.stateDir,
      tag: tagOf(options.stateDir),
      settings: { ...options.settings, ...(options.sections?.[name] as object | undefined) },
      authenticator: options.authenticator,
      urlOf,
      offer: (what, answer) => void offers.set(`${name}/${what}`, answer),
      async openStore(schema) {
        const store = await openStore(schema, {
          url: options.databaseUrl(name),
          onError: (err) => options.log.error({ err, service: name }, 'work after a commit failed'),
        });
        opened.push(() => (store as AnyStore).close());
        return store;
      },
      async authorizer(defaults) {
        const denial: DenialStyle = name in denials ? (name as DenialStyle) : 'compute';
        const enforcer = new Enforcer({ defaults, denial, adminRule: 'context_is_admin' });
        const follow = followPolicyFile(enforcer, join(stateDir, 'policy.yaml'), {
          onReload: (warnings) => options.log.info({ service: name, warnings }, 'policy.yaml was read again'),
          onError: (err) =>
            options.log.error(
              { service: name, err },
              'policy.yaml cannot be used: the rules stay as they were',
            ),
        });
        opened.push(() => follow[Symbol.dispose]());
        return {
          check: (rule, credentials, target) => enforcer.check(rule, credentials, target as Target),
          enforce: (rule, credentials, target) => enforcer.enforce(rule, credentials, target as Target),
        };
      },
      async listen(api, port, authorizer) {
        const app: FastifyInstance = serveApi(api, {
          authenticator: options.authenticator,
          authorizer,
          log: options.log,
          identityUrl: () => urlOf('identity'),
          ...(options.corsOrigins ? { corsOrigins: options.corsOrigins } : {}),
          ...(options.observe ? { observe: (seen) => options.observe?.({ service: name, ...seen }) } : {}),
        });
        opened.push(() => app.close());
        await answerOn(port, app.server, (at) => app.listen(at));
      },
      async listenWith(server, port) {
        opened.push(() => closed(server));
        await answerOn(port, server, (at) => listening(server, at));
      },
    };
    let service: RunningService;
    try {
      service = await definition.start(platform);
    } catch (error) {
      await close();
      throw error;
    }
    opened.push(() => service.close());
    running.push({ name, close });
  }

  return {
    start,
    offers,
    urls: () => Object.fromEntries(Object.keys(ports).map((name) => [name, urlOf(name)])),
    async close() {
      for (const each of running.splice(0).reverse()) await each.close();
    },
  };
}

interface ListenAt {
  host: string;
  port: number;
}

async function listen(
  server: Server,
  at: ListenAt,
  start: (at: ListenAt) => Promise<unknown>,
  service: string,
): Promise<string> {
  const { host, port } = at;
  try {
    await start(at);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new Error(
        `${service}: port ${port} of ${host} is taken: end the program that listens there, or choose other ports with --port-offset`,
        { cause: error },
      );
    }
    throw error;
  }
  const address = server.address();
  const actual = typeof address === 'object' && address ? address.port : port;
  return `http://${bracketed(host)}:${actual}`;
}

const listening = (server: Server, at: ListenAt): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(at, () => {
      server.off('error', reject);
      resolve();
    });
  });

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });

const bracketed = (address: string): string => (address.includes(':') ? `[${address}]` : address);
