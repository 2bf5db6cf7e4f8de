import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bruteForce, readable } from './candidates.reference.ts';
import { findCandidates, type SearchOptions } from './candidates.ts';
import { Stock } from './provider-columns.ts';
import { ProviderIndex, type ProviderRecord, sharingTrait } from './providers.ts';
import type { CandidateQuery } from './requests.ts';
import { summarizeProviders } from './summaries.ts';
import { group, provider, query } from './testing/cloud.ts';

const find = (records: ProviderRecord[], asked: CandidateQuery) =>
  [...findCandidates(new ProviderIndex(records), asked)].map(readable).toSorted();

test('a flat cloud gives one candidate for each provider with room', () => {
  const records = [
    provider('a', { VCPU: 4, MEMORY_MB: 1024 }),
    provider('b', { VCPU: 4, MEMORY_MB: 1024 }, { usages: { VCPU: 3 } }),
    provider('c', { VCPU: 4 }),
  ];
  assert.deepEqual(find(records, query([group('', { VCPU: 2, MEMORY_MB: 512 })])), [
    'a MEMORY_MB 512, a VCPU 2 | =a',
  ]);
});

const numa = [
  provider('host', { MEMORY_MB: 1024 }, { traits: ['COMPUTE_NODE'] }),
  provider('numa0', { VCPU: 2 }, { parentUuid: 'host' }),
  provider('numa1', { VCPU: 4 }, { parentUuid: 'host', traits: ['FAST'] }),
  provider('pf0', { VF: 1 }, { parentUuid: 'numa0' }),
  provider('pf1', { VF: 1 }, { parentUuid: 'numa1' }),
];

test('the group without a suffix may be spread over a tree', () => {
  assert.deepEqual(find(numa, query([group('', { VCPU: 1, MEMORY_MB: 1 })])), [
    'host MEMORY_MB 1, numa0 VCPU 1 | =host,numa0',
    'host MEMORY_MB 1, numa1 VCPU 1 | =host,numa1',
  ]);
});

test('below 1.29 no candidate takes two providers of a tree', () => {
  assert.deepEqual(find(numa, query([group('', { VCPU: 1, MEMORY_MB: 1 })], { nested: false })), []);
});

test('required traits count for the providers that give, not for the tree', () => {
  assert.deepEqual(
    find(numa, query([group('', { VCPU: 1 }, { required: [new Set(['COMPUTE_NODE'])] })])),
    [],
  );
  assert.deepEqual(find(numa, query([group('', { VCPU: 1 }, { required: [new Set(['FAST', 'X'])] })])), [
    'numa1 VCPU 1 | =numa1',
  ]);
});

test('granular groups may share a provider only as far as it has room, and not at all when isolated', () => {
  const two = [group('1', { VF: 1 }), group('2', { VF: 1 })];
  const expected = ['pf0 VF 1, pf1 VF 1 | 1=pf0 2=pf1', 'pf0 VF 1, pf1 VF 1 | 1=pf1 2=pf0'];
  assert.deepEqual(find(numa, query(two)), expected);
  const cpus = [group('1', { VCPU: 1 }), group('2', { VCPU: 1 })];
  assert.equal(find(numa, query(cpus)).length, 4);
  assert.equal(find(numa, query(cpus, { groupPolicy: 'isolate' })).length, 2);
});

test('same_subtree ties groups to one ancestor, with groups that ask for no resources', () => {
  const groups = [group('_C', { VCPU: 1 }), group('_N', { VF: 1 })];
  assert.deepEqual(find(numa, query(groups, { sameSubtrees: [new Set(['_C', '_N'])] })), [
    'numa0 VCPU 1, pf0 VF 1 | _C=numa0 _N=pf0',
    'numa1 VCPU 1, pf1 VF 1 | _C=numa1 _N=pf1',
  ]);
  const bare = [group('_A', {}, { required: [new Set(['FAST'])] }), group('_N', { VF: 1 })];
  assert.deepEqual(find(numa, query(bare, { sameSubtrees: [new Set(['_A', '_N'])] })), [
    'pf1 VF 1 | _A=numa1 _N=pf1',
  ]);
});

const shared = [
  provider('cn1', { VCPU: 4 }, { aggregates: ['agg'] }),
  provider('cn2', { VCPU: 4, DISK_GB: 10 }, { aggregates: ['agg'] }),
  provider('cn3', { VCPU: 4 }),
  provider('nfs', { DISK_GB: 100 }, { aggregates: ['agg'], traits: [sharingTrait] }),
];

test('sharing providers serve the trees of their aggregates', () => {
  assert.deepEqual(find(shared, query([group('', { VCPU: 1, DISK_GB: 5 })])), [
    'cn1 VCPU 1, nfs DISK_GB 5 | =cn1,nfs',
    'cn2 DISK_GB 5, cn2 VCPU 1 | =cn2',
    'cn2 VCPU 1, nfs DISK_GB 5 | =cn2,nfs',
  ]);
});

test('what only a sharing provider gives comes once, not once for each tree', () => {
  assert.deepEqual(find(shared, query([group('', { DISK_GB: 50 })])), ['nfs DISK_GB 50 | =nfs']);
});

test('naming a tree leaves the sharing providers of others out', () => {
  assert.deepEqual(find(shared, query([group('', { VCPU: 1, DISK_GB: 5 }, { inTree: 'cn2' })])), [
    'cn2 DISK_GB 5, cn2 VCPU 1 | =cn2',
  ]);
  assert.deepEqual(find(shared, query([group('', { VCPU: 1 }, { inTree: 'nowhere' })])), []);
});

test('summaries cover the whole trees of the providers in use', () => {
  const index = new ProviderIndex([...numa, ...shared]);
  const candidates = [...findCandidates(index, query([group('', { VF: 1 })]))];
  assert.deepEqual(
    summarizeProviders(index, candidates).map((each) => each.provider.uuid),
    ['host', 'numa0', 'numa1', 'pf0', 'pf1'],
  );
  const flat = summarizeProviders(index, candidates, { nested: false });
  assert.deepEqual(
    flat.map((each) => [each.provider.uuid, each.resources.get('VF')]),
    [
      ['pf0', { capacity: 1, used: 0 }],
      ['pf1', { capacity: 1, used: 0 }],
    ],
  );
});

const classes = ['A', 'B'];
const aggregates = ['g1', 'g2'];
/** Mostly nothing: a query with every condition at once finds nothing, and tells nothing. */
const rarely = <T>(empty: T, arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 3, arbitrary: fc.constant(empty) }, { weight: 1, arbitrary });
const set = (names: readonly string[], minLength = 0) =>
  fc.subarray([...names], { minLength }).map((some): ReadonlySet<string> => new Set(some));
const noSet: ReadonlySet<string> = new Set();
const plainTraits = ['T1', 'T2'];

const inventory = fc.record({
  total: fc.integer({ min: 2, max: 8 }),
  reserved: rarely(0, fc.constant(1)),
  allocation_ratio: fc.constantFrom(1, 1.5),
  min_unit: rarely(1, fc.constant(2)),
  max_unit: fc.integer({ min: 1, max: 6 }),
  step_size: rarely(1, fc.constant(2)),
});
const clouds: fc.Arbitrary<ProviderRecord[]> = fc
  .array(
    fc.record({
      parent: fc.option(fc.nat(4)),
      inventories: fc.record({ A: inventory, B: inventory }, { requiredKeys: [] }),
      usages: fc.record({ A: fc.nat(2), B: fc.nat(2) }, { requiredKeys: [] }),
      traits: fc.subarray([...plainTraits, sharingTrait]),
      aggregates: fc.subarray(aggregates),
    }),
    { minLength: 1, maxLength: 6 },
  )
  .map((rows) =>
    rows.map(({ parent, ...row }, place) => ({
      ...row,
      uuid: `p${place}`,
      parentUuid: parent !== null && parent < place ? `p${parent}` : null,
    })),
  );

const details = {
  required: rarely([], fc.array(set(plainTraits, 1), { maxLength: 2 })),
  forbidden: rarely(noSet, set(plainTraits)),
  memberOf: rarely([], fc.array(set(aggregates, 1), { maxLength: 2 })),
  notMemberOf: rarely(noSet, set(aggregates)),
  inTree: rarely<string | undefined>(undefined, fc.constantFrom('p0', 'p3')),
};
const amounts = (minKeys: number) =>
  fc
    .dictionary(fc.constantFrom(...classes), fc.integer({ min: 1, max: 2 }), { minKeys })
    .map((some) => new Map(Object.entries(some)));
const queries: fc.Arbitrary<CandidateQuery> = fc.record({
  groups: fc
    .tuple(
      fc.option(fc.record({ suffix: fc.constant(''), resources: amounts(1), ...details })),
      fc.array(fc.record({ suffix: fc.constant('x'), resources: amounts(0), ...details }), { maxLength: 2 }),
    )
    .map(([bare, granular]) => [
      ...(bare ? [bare] : []),
      ...granular.map((one, place) => ({ ...one, suffix: String(place + 1) })),
    ])
    .filter((groups) => groups.length > 0),
  groupPolicy: fc.constantFrom('none', 'isolate'),
  limit: fc.constant(undefined),
  rootRequired: rarely(noSet, set(['T1'])),
  rootForbidden: rarely(noSet, set(['T2'])),
  sameSubtrees: rarely<ReadonlySet<string>[]>([], fc.constant([new Set(['1', '2'])])),
  nested: rarely(true, fc.constant(false)),
});

test('finds exactly what trying every assignment of providers finds, each once', () => {
  let found = 0;
  fc.assert(
    fc.property(clouds, queries, (records, asked) => {
      const index = new ProviderIndex(records);
      const mine = [...findCandidates(index, asked)].map(readable);
      const expected = bruteForce(records, asked);
      assert.equal(new Set(mine).size, mine.length);
      assert.deepEqual(mine.toSorted(), expected);
      found += mine.length;
      const limited = [...findCandidates(index, { ...asked, limit: 2 })].map(readable);
      assert.deepEqual(limited, mine.slice(0, 2));
      const random = [...findCandidates(index, asked, { randomize: true })].map(readable);
      assert.deepEqual(random.toSorted(), expected);
      const inTurn = [...findCandidates(index, asked, { strategy: 'breadth-first' })].map(readable);
      assert.deepEqual(inTurn.toSorted(), expected);
      const [first] = [...findCandidates(index, asked, { strategy: 'breadth-first', most: 1 })].map(readable);
      assert.equal(first, inTurn[0]);
    }),
    { numRuns: 1500 },
  );
  assert.ok(found > 400, `the clouds were too poor to tell anything: ${found}`);
});

test('an index that follows changes of its providers finds what a new one does', () => {
  fc.assert(
    fc.property(clouds, clouds, fc.array(queries, { minLength: 1, maxLength: 4 }), (before, after, asks) => {
      // Parents stay: another one has the index made anew.
      const parents = new Map(before.map(({ uuid, parentUuid }) => [uuid, parentUuid]));
      const records = after.map((one) => ({ ...one, parentUuid: parents.get(one.uuid) ?? one.parentUuid }));
      for (const one of records) if (parents.get(one.uuid) === null) one.parentUuid = null;
      const known = new Set(records.map(({ uuid }) => uuid));
      const index = new ProviderIndex(before);
      assert.ok(index.loners);
      index.replace(records);
      const everything = [...records, ...before.filter(({ uuid }) => !known.has(uuid))];
      for (const asked of asks)
        assert.deepEqual(
          [...findCandidates(index, asked)].map(readable).toSorted(),
          bruteForce(everything, asked),
        );
    }),
    { numRuns: 400 },
  );
});

test('random order is another one each time, and no tree is favoured when a limit cuts it short', () => {
  const records = Array.from({ length: 20 }, (_, place) => provider(`host${place}`, { VCPU: 4 }));
  const index = new ProviderIndex(records);
  const asked = query([group('', { VCPU: 1 })], { limit: 2 });
  const found = new Set<string>();
  for (let run = 0; run < 2000 && found.size < 20; run += 1)
    for (const one of findCandidates(index, asked, { randomize: true })) found.add(readable(one));
  assert.equal(found.size, 20);
});

test('breadth-first takes one candidate of each tree in turn, depth-first all of one tree', () => {
  const records = ['a', 'b', 'c'].flatMap((host) => [
    provider(host, { MEMORY_MB: 64 }),
    ...[0, 1].map((place) => provider(`${host}${place}`, { VCPU: 4 }, { parentUuid: host })),
  ]);
  records.push(provider('d', { VCPU: 4 }));
  const index = new ProviderIndex(records);
  const order = (options: SearchOptions, limit?: number) =>
    [...findCandidates(index, query([group('', { VCPU: 1 })], { limit }), options)].map(
      (candidate) => [...candidate.allocations.keys()][0]?.uuid,
    );
  assert.deepEqual(order({}), ['a0', 'a1', 'b0', 'b1', 'c0', 'c1', 'd']);
  const strategy = 'breadth-first';
  assert.deepEqual(order({ strategy }), ['a0', 'b0', 'c0', 'd', 'a1', 'b1', 'c1']);
  assert.deepEqual(order({ strategy }, 5), ['a0', 'b0', 'c0', 'd', 'a1']);
  assert.deepEqual(order({ strategy, most: 3 }, 5), ['a0', 'b0', 'c0']);
  assert.deepEqual(order({ most: 3 }), ['a0', 'a1', 'b0']);
  assert.deepEqual(order({ most: 9 }, 1), ['a0']);
  assert.deepEqual(order({ most: 0 }), []);
});

test('under a limit no more hosts are looked at than have given what it takes', (t) => {
  const hosts = Array.from({ length: 10_000 }, (_, place) => provider(`host${place}`, { VCPU: 8 }));
  const trees = Array.from({ length: 500 }, (_, place) => [
    provider(`root${place}`, { MEMORY_MB: 64 }),
    provider(`numa${place}`, { VCPU: 8 }, { parentUuid: `root${place}` }),
  ]).flat();
  const rooms = t.mock.method(Stock.prototype, 'hasRoom');
  const looked = (records: ProviderRecord[], asked: CandidateQuery, options?: SearchOptions) => {
    const index = new ProviderIndex(records);
    const combined = t.mock.method(index, 'lenders');
    rooms.mock.resetCalls();
    const found = [...findCandidates(index, asked, options)].length;
    return { found, rooms: rooms.mock.callCount(), trees: combined.mock.callCount() };
  };
  const three = ['1', '2', '3'].map((suffix) => group(suffix, { VCPU: 1 }));
  assert.deepEqual(looked(hosts, query([group('', { VCPU: 1 })])), {
    found: 10_000,
    rooms: 10_000,
    trees: 0,
  });
  for (const groups of [[group('', { VCPU: 1 })], three])
    assert.deepEqual(looked(hosts, query(groups, { limit: 10 })), { found: 10, rooms: 10, trees: 0 });
  for (const strategy of ['depth-first', 'breadth-first'] as const) {
    assert.equal(looked(trees, query(three), { strategy }).trees, 500);
    const few = looked(trees, query(three, { limit: 10 }), { strategy });
    assert.deepEqual([few.found, few.trees], [10, 10]);
    assert.equal(looked(trees, query(three), { strategy, most: 7 }).trees, 7);
  }
});

test('a limit stops the search: of an astronomically large answer the first come at once', () => {
  const records = [provider('root', {})];
  for (let place = 0; place < 60; place += 1)
    records.push(provider(`pf${place}`, { VF: 8 }, { parentUuid: 'root' }));
  const groups = Array.from({ length: 8 }, (_, place) => group(String(place), { VF: 1 }));
  const index = new ProviderIndex(records);
  const start = performance.now();
  assert.equal([...findCandidates(index, query(groups, { limit: 1000 }))].length, 1000);
  assert.ok(performance.now() - start < 500);
});

test('a thousand flat providers are searched in milliseconds', () => {
  const records = Array.from({ length: 1000 }, (_, place) =>
    provider(
      `host${place}`,
      { VCPU: 64, MEMORY_MB: 262144, DISK_GB: 2000 },
      { usages: { VCPU: place % 70 } },
    ),
  );
  const index = new ProviderIndex(records);
  const asked = query([group('', { VCPU: 1, MEMORY_MB: 512, DISK_GB: 1 })]);
  const times = Array.from({ length: 40 }, () => {
    const start = performance.now();
    assert.equal([...findCandidates(index, asked)].length, 916);
    return performance.now() - start;
  });
  assert.ok(Math.min(...times) <= 5, `${Math.min(...times)} ms`);
});
