import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { cachedGuestImage } from '../../../guest/cached.ts';
import { CommandFailed, run } from '../../platform/exec/run.ts';
import { ApiClient } from '../api-client.ts';
import * as make from '../demo/resources.ts';
import { externalNetworkOf } from '../external-network.ts';
import { type Format, Progress, printRows } from '../output.ts';
import { runningProcess } from '../process-record.ts';
import { type CloudFlags, settingsOfCloud } from '../settings.ts';
import { accountsOf, secretsOf } from '../state-files.ts';

/** Milliseconds for a guest to boot, be it emulated on a busy machine. */
const bootPatience = 240_000;

/**
 * Boots the first server of a running cloud, through the cloud's own APIs as any user would: image, networks, router,
 * key, server, floating IP. What is there is kept, so it can be run again at any time.
 *
 * @throws Error when no cloud runs, the server fails, or it cannot be logged in to in time
 */
export async function demo(flags: CloudFlags, format: Format): Promise<void> {
  const { values } = await settingsOfCloud(flags);
  const stateDir = values.state_dir;
  const running = await runningProcess(stateDir);
  const identityUrl = running?.urls['identity'];
  if (!running || !identityUrl)
    throw new Error(`no cloud runs from ${stateDir}: start it with  cumulet up --detach`);
  const [adminAccount, demoAccount] = accountsOf(await secretsOf(stateDir));
  if (!adminAccount || !demoAccount) throw new Error('the cloud has no accounts');
  const real = values.hypervisor === 'qemu' && values.networking === 'linux-bridge';

  const progress = new Progress();
  progress.say('the first server:');
  const imagePath = await progress.step('guest image', cachedGuestImage);
  const [admin, user] = await progress.step('log in', () =>
    Promise.all([ApiClient.login(identityUrl, adminAccount), ApiClient.login(identityUrl, demoAccount)]),
  );
  const imageId = await progress.step('upload the image', () => make.ensureImage(admin, imagePath));
  const external = await externalNetworkOf(stateDir);
  const externalId = await progress.step('network to the outside', () =>
    make.ensureExternalNetwork(admin, external),
  );
  const networkId = await progress.step('network and router of the demo project', () =>
    make.ensureProjectNetwork(user, externalId),
  );
  await progress.step('let ping and SSH in', () => make.ensureOpenDoor(user));
  const key = await progress.step('key pair', () => keyPair(stateDir));
  await make.ensureKeypair(user, key.publicKey);
  const serverId = await progress.step('create the server', async () => {
    const id = await make.ensureServer(user, imageId, networkId);
    await active(user, id);
    return id;
  });
  const address = await progress.step('floating IP', () => make.ensureFloatingIp(user, serverId, externalId));
  const login = [
    'ssh',
    '-i',
    key.path,
    '-o',
    'StrictHostKeyChecking=no',
    '-o',
    'UserKnownHostsFile=/dev/null',
    `cumulet@${address}`,
  ];
  if (real) await progress.step('boot, and log in by SSH', () => reachable(login));
  progress.say(`done after ${progress.elapsed}\n`);

  printRows(
    Object.entries(running.urls).map(([service, url]) => ({ service, url })),
    format,
  );
  if (format === 'json') return;
  console.log(`
the server '${make.names.server}' of the project demo has the address ${address}

  . ${join(stateDir, 'demo-openrc')}       who you are to the openstack command (admin-openrc: the administrator)

three things to try next:
  openstack server list
  ${login.join(' ')}
  openstack console url show --novnc ${make.names.server}`);
}

async function keyPair(stateDir: string): Promise<{ path: string; publicKey: string }> {
  const path = join(stateDir, 'demo-key');
  if (!existsSync(path))
    await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'cumulet-demo', '-f', path]);
  return { path, publicKey: (await readFile(`${path}.pub`, 'utf8')).trim() };
}

/** Waits until the server is ACTIVE. @throws Error with the fault's words when it failed */
async function active(user: ApiClient, id: string): Promise<void> {
  const until = Date.now() + bootPatience;
  for (;;) {
    const { server } = await user.get<{ server: { status: string; fault?: { message: string } } }>(
      'compute',
      `/servers/${id}`,
    );
    if (server.status === 'ACTIVE') return;
    if (server.status === 'ERROR')
      throw new Error(`the server failed: ${server.fault?.message ?? 'for no known reason'}`);
    if (Date.now() > until)
      throw new Error(`the server is still ${server.status}: see  openstack server show ${id}`);
    await wait(250);
  }
}

/** Waits until one can log in. */
async function reachable(login: readonly string[]): Promise<void> {
  const until = Date.now() + bootPatience;
  const [program, ...rest] = login;
  const command: [string, ...string[]] = [
    program as string,
    '-o',
    'BatchMode=yes',
    '-o',
    'ConnectTimeout=3',
    '-o',
    'LogLevel=ERROR',
    ...rest,
    'true',
  ];
  for (;;) {
    try {
      await run(command, { deadline: 20_000 });
      return;
    } catch (error) {
      if (!(error instanceof CommandFailed) || Date.now() > until) throw error;
      await wait(500);
    }
  }
}
