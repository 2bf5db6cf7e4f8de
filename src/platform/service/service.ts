import type { Server } from 'node:http';
import type { CachingAuthenticator } from '../auth/authenticator.ts';
import type { Bus } from '../bus/bus.ts';
import type { Api } from '../http/api.ts';
import type { Authorizer } from '../http/authorizer.ts';
import type { PolicyDefaults } from '../policy/rule.ts';
import type { Schema, Tables } from '../store/schema.ts';
import type { Store } from '../store/store.ts';

/** What a service is to the program that runs it. Its `service.ts` exports one of these. */
export interface ServiceDefinition {
  /** The folder's name and the name on the command line: `compute`. */
  name: string;
  /** Its entry in the catalog; agents and proxies have none. */
  catalog?: CatalogEntry;
  /** The standard port that it listens on; the cloud's port offset is added. */
  port?: number;
  start(platform: Platform): Promise<RunningService>;
  /**
   * Takes away what the service left on this host outside of its state directory: guests, namespaces, devices.
   * The cloud is down then. Safe to repeat.
   */
  destroy?(remains: Remains): Promise<void>;
}

/** Where a cloud that is down has left things. */
export interface Remains {
  stateDir: string;
  cloudDir: string;
  tag: string;
  settings: Settings;
  log: Logger;
}

export interface CatalogEntry {
  /** `compute` */
  type: string;
  /** The name that upstream's installers give it: `nova`. */
  name: string;
  description: string;
  /** Put after `http://host:port` for each interface: `/v2.1`. */
  path: string;
}

/** What the program gives to a service: everything it needs of the world. */
export interface Platform {
  log: Logger;
  bus: Bus;
  /** This host's name, as agents and services are listed under it. */
  host: string;
  region: string;
  /** The address that the cloud listens on, and what is added to every standard port. */
  address: string;
  portOffset: number;
  /** A folder of the service's own, 0700, made already: `<state dir>/<service>`. */
  stateDir: string;
  /** The whole cloud's state directory. */
  cloudDir: string;
  /** Six hex digits that tell this cloud's namespaces and devices from another's on the same host. */
  tag: string;
  /** The cloud's settings and those of this service's own section, by name. */
  settings: Settings;
  /** Opens the service's own database, migrated. Closed by the program after the service. */
  openStore<T extends Tables>(schema: Schema<T>): Promise<Store<T>>;
  /** The policy of this service: defaults, and what the operator's `policy.yaml` overrides. */
  authorizer(defaults: PolicyDefaults): Promise<Authorizer>;
  /** Validates tokens and remembers them; who revokes one makes it forget. */
  authenticator: CachingAuthenticator;
  /** Answers `api` on `port` (with the offset added) until the program ends. */
  listen(api: Api, port: number, authorizer: Authorizer): Promise<void>;
  /**
   * Lets a server that is no API (files, WebSockets) answer on `port` (with the offset added) until the program ends.
   * Connections that were upgraded are the service's own to end.
   */
  listenWith(server: Server, port: number): Promise<void>;
  /**
   * Offers the operator of this host something to look at or to do, with `cumulet` commands: they reach it over a
   * unix socket that only the owner of the state directory can open.
   */
  offer(name: string, answer: OperatorAnswer): void;
  /** The base URL of a service's API as clients reach it: `http://10.0.0.1:8774`. */
  urlOf(service: string): string;
}

/** Plain data for plain words: what an operator's command asks of a service. */
export type OperatorAnswer = (args: Readonly<Record<string, string>>) => Promise<unknown>;

export interface Settings {
  hypervisor: 'qemu' | 'simulated';
  networking: 'linux-bridge' | 'simulated';
  /** The key by which the metadata service knows that a request comes from this cloud's own proxies. */
  metadata_secret?: string;
  /** The host's own address in the embedded external network, with its prefix: `172.24.4.1/24`. */
  external_address?: string;
  [name: string]: unknown;
}

export interface RunningService {
  /** Stops taking work, ends what can be ended, leaves the rest to the next start. */
  close(): Promise<void>;
}

/** Structured log lines; `platform/log` makes it. */
export interface Logger {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  /** Whether lines of this level are written at all, for those who would work for a line; absent: they are. */
  isLevelEnabled?(level: 'debug' | 'info' | 'warn' | 'error'): boolean;
}
