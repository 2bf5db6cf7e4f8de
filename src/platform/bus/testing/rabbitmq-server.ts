import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const program = '/usr/lib/rabbitmq/bin/rabbitmq-server';

/** Why tests over RabbitMQ are skipped on this machine; undefined where they can run. */
export const rabbitmqMissing = existsSync(program) ? undefined : 'skipped: rabbitmq-server is not installed';

export interface RabbitmqServer {
  url: string;
  port: number;
  stop(): Promise<void>;
}

/**
 * Starts a broker of its own, as root, from Debian's package: state in a new directory, every port (AMQP, Erlang's
 * distribution and port mapper) free ones on loopback. Removes all of it when stopped.
 */
export async function startRabbitmq(): Promise<RabbitmqServer> {
  const directory = await mkdtemp(join(tmpdir(), 'cumulet-rabbitmq-'));
  const [port, distribution, mapper] = await freePorts(3);
  await mkdir(join(directory, 'home'));
  await writeFile(join(directory, 'plugins'), '[].\n');
  await writeFile(
    join(directory, 'rabbitmq.conf'),
    `listeners.tcp.default = 127.0.0.1:${port}\nlog.file.level = warning\n`,
  );
  const clean = {
    PATH: '/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: join(directory, 'home'),
    LANG: 'C.UTF-8',
    ERL_EPMD_PORT: String(mapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
  };
  const epmd = spawn('/usr/bin/epmd', ['-address', '127.0.0.1', '-port', String(mapper)], {
    env: clean,
    stdio: 'ignore',
  });
  const broker = spawn(program, {
    env: {
      ...clean,
      RABBITMQ_NODENAME: `test${port}@localhost`,
      RABBITMQ_NODE_IP_ADDRESS: '127.0.0.1',
      RABBITMQ_NODE_PORT: String(port),
      RABBITMQ_DIST_PORT: String(distribution),
      RABBITMQ_CONFIG_FILE: join(directory, 'rabbitmq.conf'),
      RABBITMQ_ENABLED_PLUGINS_FILE: join(directory, 'plugins'),
      RABBITMQ_MNESIA_BASE: join(directory, 'mnesia'),
      RABBITMQ_LOG_BASE: join(directory, 'log'),
      RABBITMQ_PID_FILE: join(directory, 'pid'),
      RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A process group, so that the shell script and the Erlang machine under it end together.
    detached: true,
  });
  let said = '';
  for (const stream of [broker.stdout, broker.stderr]) stream.on('data', (text) => (said += text));
  const killNow = () => {
    signal(broker, 'SIGKILL');
    epmd.kill('SIGKILL');
  };
  process.on('exit', killNow);
  const stop = async () => {
    await end(broker);
    if (epmd.exitCode === null && epmd.signalCode === null && epmd.kill()) await once(epmd, 'exit');
    process.off('exit', killNow);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await answers(port!, () => broker.exitCode === null && broker.signalCode === null);
  } catch (cause) {
    await stop();
    throw new Error(`rabbitmq-server did not start: ${said.slice(-1000)}`, { cause });
  }
  return { url: `amqp://guest:guest@127.0.0.1:${port}`, port: port!, stop };
}

function signal(child: ChildProcess, name: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, name);
  } catch {
    // It has ended already.
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return signal(child, 'SIGKILL');
  const ended = once(child, 'close');
  signal(child, 'SIGKILL');
  await ended;
}

/** Waits until the port speaks AMQP: a plain connection succeeds before the broker is ready. */
async function answers(port: number, alive: () => boolean): Promise<void> {
  const until = Date.now() + 60_000;
  while (Date.now() < until) {
    if (!alive()) throw new Error('it ended');
    if (await greets(port)) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('no answer within a minute');
}

function greets(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('AMQP\0\0\x09\x01'));
    socket.setTimeout(2_000, () => socket.destroy());
    socket.once('data', () => {
      resolve(true);
      socket.destroy();
    });
    socket.on('error', () => resolve(false));
    socket.on('close', () => resolve(false));
  });
}

/** Ports that were free a moment ago, all different. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
