import { createHash } from 'node:crypto';
import type { BenchCloud } from './cloud.ts';
import { together } from './together.ts';

/** Measures one URL of a service with so many clients, and reports it. */
export type Reads = (
  cloud: BenchCloud,
  what: string,
  service: string,
  path: string,
  clients: number,
) => Promise<void>;
export type Report = (what: string, value: number, unit: string, note?: string) => void;

/** The same name has the same uuid in every run, so that a search's place among the rows is the same too. */
function uuidOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    `4${hex.slice(13, 16)}`,
    `8${hex.slice(17, 20)}`,
    hex.slice(20, 32),
  ].join('-');
}

async function request<T>(cloud: BenchCloud, method: string, path: string, body?: unknown): Promise<T> {
  const response = await fetch(`${cloud.urls['placement']}${path}`, {
    method,
    headers: {
      'x-auth-token': cloud.token,
      'content-type': 'application/json',
      'openstack-api-version': 'placement 1.39',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text.slice(0, 300)}`);
  return (text ? JSON.parse(text) : undefined) as T;
}

interface Shape {
  providers: number;
  aggregates: number;
  traits: readonly string[];
  traitsEach: number;
}

/** Makes the providers `first` and up, as hosts report themselves. */
async function addProviders(cloud: BenchCloud, first: number, shape: Shape): Promise<void> {
  const ask = (method: string, path: string, body: unknown) => request(cloud, method, path, body);
  await together(shape.providers - first, 8, async (index) => {
    const place = first + index;
    const uuid = uuidOf(`provider ${place}`);
    const path = `/resource_providers/${uuid}`;
    await ask('POST', '/resource_providers', { name: `bench-${place}`, uuid });
    await ask('PUT', `${path}/inventories`, {
      resource_provider_generation: 0,
      inventories: {
        VCPU: { total: 64, allocation_ratio: 4, max_unit: 64 },
        MEMORY_MB: { total: 262_144, reserved: 512 },
        DISK_GB: { total: 2000 },
      },
    });
    if (shape.traitsEach > 0) {
      const traits = Array.from(
        { length: shape.traitsEach },
        (_, each) => shape.traits[(place * 7 + each * 3) % shape.traits.length],
      );
      await ask('PUT', `${path}/traits`, { resource_provider_generation: 1, traits });
    }
    if (shape.aggregates > 0) {
      const aggregates = [uuidOf(`aggregate ${place % shape.aggregates}`)];
      const generation = shape.traitsEach > 0 ? 2 : 1;
      await ask('PUT', `${path}/aggregates`, { resource_provider_generation: generation, aggregates });
    }
  });
}

/** Claims on hosts of their own or shared ones, as schedulers make them; rate of whole claims. */
async function claims(cloud: BenchCloud, clients: number, times: number, hosts: number): Promise<number> {
  const startedAt = performance.now();
  await together(times, clients, async (index) => {
    const path = `/allocations/${uuidOf(`consumer ${clients} ${index}`)}`;
    await request(cloud, 'PUT', path, {
      allocations: { [uuidOf(`provider ${index % hosts}`)]: { resources: { VCPU: 1, MEMORY_MB: 16 } } },
      project_id: cloud.projectId,
      user_id: cloud.projectId,
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    });
  });
  return times / ((performance.now() - startedAt) / 1000);
}

/**
 * Candidates in a cloud of a thousand plain providers, claims, then ten thousand providers in a hundred aggregates
 * with twenty traits each.
 */
export async function placementMeasures(cloud: BenchCloud, reads: Reads, report: Report): Promise<void> {
  const { traits } = await request<{ traits: string[] }>(cloud, 'GET', '/traits?name=startswith:HW_CPU');
  const one = 'resources=VCPU:1,MEMORY_MB:512,DISK_GB:1';
  const three = 'resources1=VCPU:1&resources2=MEMORY_MB:512&resources3=DISK_GB:1&group_policy=none';
  const ask = (what: string, query: string, clients = 1) =>
    reads(cloud, what, 'placement', `/allocation_candidates?${query}`, clients);
  const plain = { providers: 1, aggregates: 0, traits: [], traitsEach: 0 };
  await addProviders(cloud, 0, plain);
  await ask('candidates, 1 provider', one);
  await addProviders(cloud, 1, { ...plain, providers: 100 });
  await ask('candidates, 100 providers', one);
  await addProviders(cloud, 100, { ...plain, providers: 1000 });
  for (const clients of [1, 8]) await ask('candidates, 1,000 providers', one, clients);
  await ask('candidates in 3 groups, 1,000 providers', three);
  for (const clients of [1, 8]) {
    const rate = await claims(cloud, clients, 800, 100);
    report(`claims on 100 hosts, ${clients} ${clients === 1 ? 'client' : 'clients'}`, rate, 'claims/s');
  }
  const startedAt = performance.now();
  await addProviders(cloud, 1000, { providers: 11_000, aggregates: 100, traits, traitsEach: 20 });
  const rate = 10_000 / ((performance.now() - startedAt) / 1000);
  report(
    '10,000 providers made',
    rate,
    'providers/s',
    'provider, inventories, traits, aggregates; 8 clients',
  );
  await ask('candidates, 11,000 providers', one);
  await ask('candidates in 3 groups, 11,000 providers', three);
  await ask('candidates, 11,000 providers, limit 1,000', `${one}&limit=1000`);
  await ask('candidates in 3 groups, 11,000 providers, limit 1,000', `${three}&limit=1000`);
  const trait = traits[0] ?? '';
  const aggregate = uuidOf('aggregate 7');
  await ask('candidates with a trait, limit 1,000', `${one}&required=${trait}&limit=1000`);
  await ask('candidates in an aggregate', `${one}&member_of=${aggregate}`);
  await reads(cloud, 'list providers, 11,000', 'placement', '/resource_providers', 1);
  const filters = `member_of=${aggregate}&required=${trait}&resources=VCPU:1`;
  await reads(cloud, 'list providers with filters, 11,000', 'placement', `/resource_providers?${filters}`, 1);
}
