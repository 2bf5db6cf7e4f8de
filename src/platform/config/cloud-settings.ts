import { homedir, hostname } from 'node:os';
import { join } from 'node:path';
import type { Values } from './schema.ts';
import { choice, integer, path, text, url } from './setting.ts';

/** What is set for the whole cloud. A service's own settings are a section beside these. */
export const cloudSettings = {
  state_dir: path({
    description: 'Where everything is kept: databases, images, disks, keys.',
    default: () =>
      process.getuid?.() === 0 ? '/var/lib/cumulet' : join(homedir(), '.local', 'share', 'cumulet'),
  }),
  host: text({ description: "This host's name in lists of agents and services.", default: hostname }),
  address: text({ description: 'The address on which this host answers.', default: '127.0.0.1' }),
  port_offset: integer({
    description: "Added to every service's port, so that clouds live side by side.",
    default: 0,
    min: 0,
    max: 50_000,
  }),
  region: text({ description: 'The name of this region in the catalog.', default: 'RegionOne' }),
  hypervisor: choice(['qemu', 'simulated'], { description: 'What servers run on.', default: 'qemu' }),
  networking: choice(['linux-bridge', 'simulated'], {
    description: 'What networks are made of.',
    default: 'linux-bridge',
  }),
  database_url: url(['sqlite:', 'postgres:', 'postgresql:', 'mysql:'], {
    description: 'The database of each service; {service} and {state_dir} stand for what they say.',
    default: 'sqlite:{state_dir}/{service}/{service}.db',
  }),
  transport_url: url(['memory:', 'amqp:', 'amqps:'], {
    description: 'How services reach each other: within one process, or over RabbitMQ.',
    default: 'memory:',
  }),
  log_level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    description: 'The least important lines that are logged.',
    default: 'info',
  }),
  log_file: text({ description: 'Where the log goes; standard output when empty.', default: '' }),
  metrics_port: integer({
    description: 'Where /metrics is served on loopback (the port offset is added); 0 for nowhere.',
    default: 9464,
    min: 0,
    max: 65_535,
  }),
} as const;

export type CloudSettings = Values<typeof cloudSettings>;

/** The URL of one service's database. */
export function databaseUrl(
  settings: Pick<CloudSettings, 'database_url' | 'state_dir'>,
  service: string,
): string {
  const places: Record<string, string> = { state_dir: settings.state_dir, service };
  return settings.database_url.replace(/\{(state_dir|service)\}/g, (_, place: string) => places[place] ?? '');
}
