import { createHash } from 'node:crypto';
import type { BenchCloud } from './cloud.ts';
import { type Bench, clientsOf, inTurn, leavingNothing, oursOnly, reads } from './measure.ts';
import { progress } from './progress.ts';
import { together } from './together.ts';

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

/** Those that fill the clouds, and the larger number of those that are measured. */
const clients = 8;

interface Shape {
  providers: number;
  aggregates: number;
  traits: readonly string[];
  traitsEach: number;
}

/** Makes the providers `first` and up, as hosts report themselves. */
async function addProviders(cloud: BenchCloud, first: number, shape: Shape): Promise<void> {
  progress(`${cloud.name}: ${shape.providers - first} providers more`);
  const ask = (method: string, path: string, body: unknown) => cloud.request('placement', method, path, body);
  await together(shape.providers - first, clients, async (index) => {
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

/** Claims of each number of clients, and the hosts that they are spread over. */
const claimed = { times: 800, hosts: 100 };

/** A host's claim; others may have had the host in their hands at the same time, so it is tried again as schedulers do. */
async function claim(cloud: BenchCloud, consumer: string, host: number): Promise<void> {
  const path = `/allocations/${uuidOf(consumer)}`;
  for (let attempt = 1; ; attempt++) {
    const { status, body } = await cloud.ask('placement', 'PUT', path, {
      allocations: { [uuidOf(`provider ${host}`)]: { resources: { VCPU: 1, MEMORY_MB: 16 } } },
      project_id: cloud.projectId,
      user_id: cloud.projectId,
      consumer_generation: null,
      consumer_type: 'INSTANCE',
    });
    if (status < 300) return;
    if (status !== 409 || attempt === 20)
      throw new Error(`${cloud.name}: PUT ${path}: ${status} ${JSON.stringify(body).slice(0, 300)}`);
  }
}

/** Claims on hosts of their own or shared ones, as schedulers make them; rate of whole claims. */
async function claims({ clouds, report }: Bench, atOnce: number): Promise<void> {
  const { times, hosts } = claimed;
  const what = `claims on ${hosts} hosts, ${clientsOf(atOnce)}`;
  const rates = await inTurn(clouds, 1, async (cloud) => {
    progress(`${cloud.name}: ${what}`);
    const startedAt = performance.now();
    await together(times, atOnce, (index) => claim(cloud, `consumer ${atOnce} ${index}`, index % hosts));
    return times / ((performance.now() - startedAt) / 1000);
  });
  report(
    what,
    'claims/s',
    rates.map(([value = Number.NaN]) => ({ value })),
  );
}

/** Removes the bench's own providers, which it knows by their uuids, and what is claimed on them. */
async function clear(cloud: BenchCloud): Promise<void> {
  const { resource_providers: all } = await cloud.request<{
    resource_providers: { uuid: string; name: string }[];
  }>('placement', 'GET', '/resource_providers');
  const own = all.filter(({ uuid, name }) => uuid === uuidOf(name.replace(/^bench-/, 'provider ')));
  await together(own.length, clients, async (index) => {
    const path = `/resource_providers/${own[index]?.uuid}`;
    const { allocations } = await cloud.request<{ allocations: Record<string, unknown> }>(
      'placement',
      'GET',
      `${path}/allocations`,
    );
    for (const consumer of Object.keys(allocations))
      await cloud.request('placement', 'DELETE', `/allocations/${consumer}`);
    await cloud.request('placement', 'DELETE', path);
  });
}

const one = 'resources=VCPU:1,MEMORY_MB:512,DISK_GB:1';
const three = 'resources1=VCPU:1&resources2=MEMORY_MB:512&resources3=DISK_GB:1&group_policy=none';

async function countCandidates(cloud: BenchCloud): Promise<number> {
  const path = `/allocation_candidates?${one}`;
  const found = await cloud.request<{ allocation_requests: unknown[] }>('placement', 'GET', path);
  return found.allocation_requests.length;
}

const candidates = (bench: Bench, what: string, query: string, atOnce = 1) =>
  reads(bench, what, 'placement', `/allocation_candidates?${query}`, atOnce);

/**
 * Candidates in a cloud of up to a thousand plain providers, claims; then, on our own cloud, ten thousand providers in
 * a hundred aggregates with twenty traits each.
 */
export async function placementMeasures(bench: Bench): Promise<void> {
  await leavingNothing(bench.clouds, clear, async () => {
    const own = new Map<BenchCloud, number>();
    // Hosts that are there already count: the question is how many are searched.
    const grow = async (to: number) => {
      for (const cloud of bench.clouds) {
        const first = own.get(cloud) ?? 0;
        const providers = first + Math.max(0, to - (await countCandidates(cloud)));
        await addProviders(cloud, first, { providers, aggregates: 0, traits: [], traitsEach: 0 });
        own.set(cloud, providers);
      }
    };
    await grow(1);
    await candidates(bench, 'candidates, 1 provider', one);
    await grow(100);
    await candidates(bench, 'candidates, 100 providers', one);
    await grow(1000);
    for (const atOnce of [1, clients]) await candidates(bench, 'candidates, 1,000 providers', one, atOnce);
    await candidates(bench, 'candidates in 3 groups, 1,000 providers', three);
    for (const atOnce of [1, clients]) await claims(bench, atOnce);
  });
  await amongManyProviders(oursOnly(bench));
}

/** @param bench of a cloud that has a thousand providers already */
async function amongManyProviders(bench: Bench): Promise<void> {
  const { ours } = bench;
  const { traits } = await ours.request<{ traits: string[] }>(
    'placement',
    'GET',
    '/traits?name=startswith:HW_CPU',
  );
  const startedAt = performance.now();
  await addProviders(ours, 1000, { providers: 11_000, aggregates: 100, traits, traitsEach: 20 });
  const value = 10_000 / ((performance.now() - startedAt) / 1000);
  const note = 'provider, inventories, traits, aggregates; 8 clients';
  bench.report('10,000 providers made', 'providers/s', [{ value, note }]);
  await candidates(bench, 'candidates, 11,000 providers', one);
  await candidates(bench, 'candidates in 3 groups, 11,000 providers', three);
  await candidates(bench, 'candidates, 11,000 providers, limit 1,000', `${one}&limit=1000`);
  await candidates(bench, 'candidates in 3 groups, 11,000 providers, limit 1,000', `${three}&limit=1000`);
  const trait = traits[0] ?? '';
  const aggregate = uuidOf('aggregate 7');
  await candidates(bench, 'candidates with a trait, limit 1,000', `${one}&required=${trait}&limit=1000`);
  await candidates(bench, 'candidates in an aggregate', `${one}&member_of=${aggregate}`);
  await reads(bench, 'list providers, 11,000', 'placement', '/resource_providers', 1);
  const filters = `member_of=${aggregate}&required=${trait}&resources=VCPU:1`;
  const filtered = `/resource_providers?${filters}`;
  await reads(bench, 'list providers with filters, 11,000', 'placement', filtered, 1);
}
