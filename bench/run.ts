import { readFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { cachedGuestImage } from '../guest/cached.ts';
import { type BenchCloud, benchCloud } from './cloud.ts';
import { identityMeasures } from './identity.ts';
import { imageMeasures } from './image.ts';
import { load, median } from './load.ts';
import { peer } from './peer.ts';
import { placementMeasures } from './placement.ts';
import { together } from './together.ts';

/*
 * npm run bench [-- --seconds 3 --runs 3 --port-offset 21000]
 * npm run bench -- image                                  lists, and a GiB up and down
 * npm run bench -- placement                              candidates and claims at scale; nothing else
 * npm run bench -- identity                               tokens, logins, and lists among 100,000 users
 * ip netns exec NAMESPACE npm run bench -- --real      servers on QEMU; only what differs then
 *
 * Measures a fresh simulated cloud on this machine and prints a table: what, how much, and the ratio to what a real
 * OpenStack did with the same work. Nothing here passes or fails.
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '3' },
    runs: { type: 'string', default: '3' },
    'port-offset': { type: 'string', default: '21000' },
    servers: { type: 'string', default: '100' },
    real: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const runs = Number(values.runs);
const servers = Number(values.servers);

const shown = (value: number): string =>
  value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);

function report(what: string, value: number, unit: string, note = ''): void {
  const other = peer[what];
  const ratio = other ? (other.better === 'more' ? value / other.value : other.value / value) : undefined;
  const compared = other ? `${shown(other.value)} ${other.unit}` : '';
  const cells = [
    what.padEnd(44),
    `${shown(value)} ${unit}`.padEnd(16),
    compared.padEnd(14),
    ratio ? `× ${shown(ratio)}`.padEnd(10) : ''.padEnd(10),
    note,
  ];
  console.log(`| ${cells.join(' | ')} |`);
}

async function reads(
  cloud: BenchCloud,
  what: string,
  service: string,
  path: string,
  clients: number,
): Promise<void> {
  const headers = {
    'X-Auth-Token': cloud.token,
    'X-Subject-Token': cloud.token,
    'OpenStack-API-Version': 'placement 1.39',
  };
  const results = [];
  for (let each = 0; each < runs; each++) {
    results.push(
      await load(`${cloud.urls[service]}${path}`, { clients, seconds, headers, directory: cloud.stateDir }),
    );
  }
  const failed = results.reduce((sum, { failed: some }) => sum + some, 0);
  report(
    `${what}, ${clients} ${clients === 1 ? 'client' : 'clients'}`,
    median(results.map(({ rate }) => rate)),
    'req/s',
    `p50 ${shown(median(results.map(({ p50 }) => p50)))} ms, p99 ${shown(median(results.map(({ p99 }) => p99)))} ms${failed ? `, ${failed} FAILED` : ''}`,
  );
}

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
  content: Buffer,
  flavor: { ram: number; vcpus: number; disk: number },
): Promise<{ imageRef: string; flavorRef: string; network: string }> {
  const image = await cloud.request<{ id: string }>('image', 'POST', '/v2/images', {
    name: 'bench',
    disk_format: values.real ? 'qcow2' : 'raw',
    container_format: 'bare',
    visibility: 'public',
  });
  const upload = await fetch(`${cloud.urls['image']}/v2/images/${image.id}/file`, {
    method: 'PUT',
    headers: { 'x-auth-token': cloud.token, 'content-type': 'application/octet-stream' },
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

/** What only a simulated cloud can be asked on one machine: many servers, and reads at full speed. */
async function simulatedMeasures(cloud: BenchCloud): Promise<void> {
  const { imageRef, flavorRef, network } = await prepare(cloud, Buffer.alloc(1 << 20, 'bench'), {
    ram: 1,
    vcpus: 1,
    disk: 0,
  });
  for (const clients of [1, 8]) {
    await reads(cloud, 'validate a token', 'identity', '/v3/auth/tokens', clients);
    await reads(cloud, 'list projects', 'identity', '/v3/projects', clients);
    await reads(cloud, 'list images', 'image', '/v2/images', clients);
    await reads(cloud, 'list flavors in detail', 'compute', '/v2.1/flavors/detail', clients);
  }
  const server = { name: 'bench', imageRef, flavorRef, networks: [{ uuid: network }] };
  await boots(cloud, server, 10, 'POST server until ACTIVE (simulated)');
  const startedAt = performance.now();
  await together(servers, 8, () => boot(cloud, server));
  const took = (performance.now() - startedAt) / 1000;
  report(`${servers} servers at once until all are ACTIVE`, took, 's', '8 clients');
  const list = `/v2.1/servers/detail?limit=${servers}`;
  for (const clients of [1, 4])
    await reads(cloud, `list ${servers} servers in detail`, 'compute', list, clients);
  const portsAt = performance.now();
  const port = { network_id: network };
  await together(200, 4, () => cloud.request('network', 'POST', '/v2.0/ports', { port }));
  report('POST port', 200 / ((performance.now() - portsAt) / 1000), 'req/s', '4 clients');
}

/** Servers that are QEMU guests, on a network of bridges. */
async function realMeasures(cloud: BenchCloud): Promise<void> {
  const image = await readFile(await cachedGuestImage());
  const { imageRef, flavorRef, network } = await prepare(cloud, image, { ram: 128, vcpus: 1, disk: 1 });
  const server = { name: 'bench', imageRef, flavorRef, networks: [{ uuid: network }] };
  await boots(cloud, server, 3, 'POST server until ACTIVE (QEMU)');
}

/** Boots a server to warm up, then so many more, one after the other. */
async function boots(cloud: BenchCloud, server: object, times: number, what: string): Promise<void> {
  await boot(cloud, server);
  const all: { answered: number; active: number }[] = [];
  for (let each = 0; each < times; each++) all.push(await boot(cloud, server));
  report('POST server until the answer', median(all.map(({ answered }) => answered)), 'ms');
  report(what, median(all.map(({ active }) => active)), 'ms');
}

const cloud = await benchCloud(Number(values['port-offset']), values.real ? 'real' : 'simulated');
try {
  console.log(
    `| ${'what'.padEnd(44)} | ${'cumulet'.padEnd(16)} | ${'OpenStack Zed'.padEnd(14)} | ${'ratio'.padEnd(10)} | |`,
  );
  console.log('|---|---|---|---|---|');
  report('start to every API answering', cloud.startSeconds, 's', 'the whole `cumulet up --detach`');
  await wait(3000);
  report('resident memory, idle', await cloud.residentMib(), 'MiB', 'one process');
  if (positionals.includes('image')) await imageMeasures(cloud, reads, report, runs);
  else if (positionals.includes('placement')) await placementMeasures(cloud, reads, report);
  else if (positionals.includes('identity')) await identityMeasures(cloud, reads, report, seconds);
  else await (values.real ? realMeasures(cloud) : simulatedMeasures(cloud));
  report('resident memory, after all of this', await cloud.residentMib(), 'MiB');
} finally {
  await cloud.close();
}
