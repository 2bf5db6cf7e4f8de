import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { cachedGuestImage } from '../guest/cached.ts';
import type { BenchCloud } from './cloud.ts';
import { median } from './load.ts';
import { type Bench, oursOnly, reads } from './measure.ts';
import { progress } from './progress.ts';
import { together } from './together.ts';

interface Server {
  id: string;
  status: string;
}

/** Milliseconds until the answer, and until the server is ACTIVE. */
async function boot(cloud: BenchCloud, server: object): Promise<{ answered: number; active: number }> {
  const startedAt = performance.now();
  const { server: made } = await cloud.request<{ server: Server }>('compute', 'POST', '/v2.1/servers', {
    server,
  });
  const answered = performance.now() - startedAt;
  for (;;) {
    const { server: now } = await cloud.request<{ server: Server }>(
      'compute',
      'GET',
      `/v2.1/servers/${made.id}`,
    );
    if (now.status === 'ACTIVE') return { answered, active: performance.now() - startedAt };
    if (now.status === 'ERROR') throw new Error(`server ${made.id} went to ERROR`);
    await wait(2);
  }
}

async function prepare(
  cloud: BenchCloud,
  format: 'raw' | 'qcow2',
  content: Buffer,
  flavor: { ram: number; vcpus: number; disk: number },
): Promise<{ imageRef: string; flavorRef: string; network: string }> {
  const image = await cloud.request<{ id: string }>('image', 'POST', '/v2/images', {
    name: 'bench',
    disk_format: format,
    container_format: 'bare',
    visibility: 'public',
  });
  const upload = await fetch(cloud.url('image', `/v2/images/${image.id}/file`), {
    method: 'PUT',
    headers: { 'x-auth-token': await cloud.token(), 'content-type': 'application/octet-stream' },
    body: new Uint8Array(content),
  });
  if (!upload.ok) throw new Error(`upload: ${upload.status}`);
  const made = await cloud.request<{ flavor: { id: string } }>('compute', 'POST', '/v2.1/flavors', {
    flavor: { name: 'bench', ...flavor },
  });
  const { network } = await cloud.request<{ network: { id: string } }>('network', 'POST', '/v2.0/networks', {
    network: { name: 'bench', shared: true },
  });
  await cloud.request('network', 'POST', '/v2.0/subnets', {
    subnet: { network_id: network.id, ip_version: 4, cidr: '10.64.0.0/16', enable_dhcp: false },
  });
  await cloud.request('compute', 'PUT', `/v2.1/os-quota-sets/${cloud.projectId}`, {
    quota_set: { instances: -1, cores: -1, ram: -1 },
  });
  await cloud.request('network', 'PUT', `/v2.0/quotas/${cloud.projectId}`, { quota: { port: -1 } });
  return { imageRef: image.id, flavorRef: made.flavor.id, network: network.id };
}

/**
 * Servers from the request to ACTIVE, and what is listed of them. On our own cloud only: a hypervisor is the least
 * that a peer's figures hang on.
 */
export const serverMeasures = (bench: Bench): Promise<void> =>
  bench.real ? realMeasures(oursOnly(bench)) : simulatedMeasures(oursOnly(bench));

/** What only a simulated cloud can be asked on one machine: many servers, and reads at full speed. */
async function simulatedMeasures(bench: Bench): Promise<void> {
  const { ours: cloud, servers, report } = bench;
  const { imageRef, flavorRef, network } = await prepare(cloud, 'raw', Buffer.alloc(1 << 20, 'bench'), {
    ram: 1,
    vcpus: 1,
    disk: 0,
  });
  for (const clients of [1, 8]) {
    await reads(bench, 'validate a token', 'identity', '/v3/auth/tokens', clients);
    await reads(bench, 'list projects', 'identity', '/v3/projects', clients);
    await reads(bench, 'list images', 'image', '/v2/images', clients);
    await reads(bench, 'list flavors in detail', 'compute', '/v2.1/flavors/detail', clients);
  }
  const server = { name: 'bench', imageRef, flavorRef, networks: [{ uuid: network }] };
  await boots(bench, server, 10, 'POST server until ACTIVE (simulated)');
  const startedAt = performance.now();
  await together(servers, 8, () => boot(cloud, server));
  const took = (performance.now() - startedAt) / 1000;
  report(`${servers} servers at once until all are ACTIVE`, 's', [{ value: took, note: '8 clients' }]);
  const list = `/v2.1/servers/detail?limit=${servers}`;
  for (const clients of [1, 4])
    await reads(bench, `list ${servers} servers in detail`, 'compute', list, clients);
  const portsAt = performance.now();
  const port = { network_id: network };
  await together(200, 4, () => cloud.request('network', 'POST', '/v2.0/ports', { port }));
  const value = 200 / ((performance.now() - portsAt) / 1000);
  report('POST port', 'req/s', [{ value, note: '4 clients' }]);
}

/** Servers that are QEMU guests, on a network of bridges. */
async function realMeasures(bench: Bench): Promise<void> {
  const cloud = bench.ours;
  const image = await readFile(await cachedGuestImage());
  const { imageRef, flavorRef, network } = await prepare(cloud, 'qcow2', image, {
    ram: 128,
    vcpus: 1,
    disk: 1,
  });
  const server = { name: 'bench', imageRef, flavorRef, networks: [{ uuid: network }] };
  await boots(bench, server, 3, 'POST server until ACTIVE (QEMU)');
}

/** Boots a server to warm up, then so many more, one after the other. */
async function boots(
  { ours: cloud, report }: Bench,
  server: object,
  times: number,
  what: string,
): Promise<void> {
  progress(what);
  await boot(cloud, server);
  const all: { answered: number; active: number }[] = [];
  for (let each = 0; each < times; each++) all.push(await boot(cloud, server));
  const value = median(all.map(({ answered }) => answered));
  report('POST server until the answer', 'ms', [{ value }]);
  report(what, 'ms', [{ value: median(all.map(({ active }) => active)) }]);
}
