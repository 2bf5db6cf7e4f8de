import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { bruteForce, readable } from './candidates.reference.ts';
import { findCandidates } from './candidates.ts';
import { Stock } from './provider-columns.ts';
import { ProviderIndex, type ProviderRecord } from './providers.ts';
import type { CandidateQuery } from './requests.ts';
import { group, provider, query } from './testing/cloud.ts';

/** A root with so many functions; the first of them is special. */
const functions = (count: number, each = 1) => [
  provider('root', {}),
  ...Array.from({ length: count }, (_, place) =>
    provider(`pf${place}`, { VF: each }, { parentUuid: 'root', traits: place === 0 ? ['T1'] : [] }),
  ),
];
const plain = (count: number, amount = 1) =>
  Array.from({ length: count }, (_, place) => group(`_${place}`, { VF: amount }));
const special = { required: [new Set(['T1'])] };

test('groups that ask together for more than a tree has are refused before they are combined', () => {
  for (const groupPolicy of ['isolate', 'none'] as const) {
    const index = new ProviderIndex(functions(15));
    assert.deepEqual([...findCandidates(index, query(plain(16), { groupPolicy }))], []);
    const one = [...findCandidates(index, query(plain(15), { groupPolicy, limit: 1 }))];
    assert.equal(one.length, 1);
  }
});

/** How often a provider was asked what it has left, while so many were found. */
function effort(t: TestContext, records: ProviderRecord[], asked: CandidateQuery) {
  const index = new ProviderIndex(records);
  const [left, rooms] = [t.mock.method(Stock.prototype, 'left'), t.mock.method(Stock.prototype, 'hasRoom')];
  const found = [...findCandidates(index, asked)].length;
  const looks = left.mock.callCount() + rooms.mock.callCount();
  left.mock.restore();
  rooms.mock.restore();
  return { found, looks };
}

test('one picky group after eight others that could take what it needs is not found out in a million ways', (t) => {
  for (const groupPolicy of ['isolate', 'none'] as const) {
    const groups = [...plain(8), group('_picky', { VF: 1 }, special)];
    const { found, looks } = effort(t, functions(15), query(groups, { groupPolicy, limit: 1 }));
    assert.equal(found, 1);
    assert.ok(looks < 5000, `${groupPolicy}: ${looks}`);
    // Three may take it, two can.
    const three = [...plain(6), ...['_a', '_b', '_c'].map((suffix) => group(suffix, { VF: 1 }, special))];
    const none = effort(t, functions(15, 2), query(three, { groupPolicy }));
    assert.equal(none.found, 0);
    assert.ok(none.looks < 5000, `${groupPolicy}: ${none.looks}`);
  }
});

test('large amounts that do not fit beside each other are told apart from small ones that do', (t) => {
  // Of four that want four, the special function of five has room for one; for small ones there is plenty.
  const groups = [
    ...plain(9, 2),
    ...Array.from({ length: 4 }, (_, at) => group(`_l${at}`, { VF: 4 }, special)),
  ];
  const { found, looks } = effort(t, functions(12, 5), query(groups));
  assert.equal(found, 0);
  assert.ok(looks < 5000, String(looks));
});

test('a group that no subtree holds together with the first is refused with the first', (t) => {
  const records = [
    provider('root', {}),
    ...Array.from({ length: 8 }, (_, place) => [
      provider(`numa${place}`, { VCPU: 1 }, { parentUuid: 'root' }),
      provider(`pf${place}`, place === 7 ? { VF: 1 } : {}, { parentUuid: `numa${place}` }),
    ]).flat(),
  ];
  const groups = [
    group('_c', { VCPU: 1 }),
    ...Array.from({ length: 6 }, (_, place) => group(`_${place}`, { VCPU: 1 })),
    group('_n', { VF: 1 }),
  ];
  const asked = query(groups, { groupPolicy: 'isolate', limit: 1, sameSubtrees: [new Set(['_c', '_n'])] });
  const { found, looks } = effort(t, records, asked);
  assert.equal(found, 1);
  assert.ok(looks < 5000, String(looks));
});

test('looking ahead leaves nothing out, and leaves the order as it is', () => {
  const amount = fc.integer({ min: 1, max: 2 });
  const places = fc.array(fc.record({ VF: fc.integer({ min: 2, max: 8 }), special: fc.boolean() }), {
    minLength: 1,
    maxLength: 3,
  });
  const asks = fc.array(fc.record({ amount, picky: fc.boolean() }), { minLength: 4, maxLength: 6 });
  let found = 0;
  fc.assert(
    fc.property(
      places,
      asks,
      fc.constantFrom('none', 'isolate'),
      fc.boolean(),
      (some, wanted, groupPolicy, tied) => {
        const records = some.map(({ VF, special: has }, place) =>
          provider(
            `pf${place}`,
            { VF },
            { parentUuid: place === 0 ? null : 'pf0', traits: has ? ['T1'] : [] },
          ),
        );
        const groups = wanted.map((each, place) =>
          group(`_${place}`, { VF: each.amount }, each.picky ? special : {}),
        );
        const asked = query(groups, { groupPolicy, sameSubtrees: tied ? [new Set(['_0', '_3'])] : [] });
        const candidates = [...findCandidates(new ProviderIndex(records), asked)];
        assert.deepEqual(candidates.map(readable).toSorted(), bruteForce(records, asked));
        const picks = candidates.map(({ providers, pattern }) =>
          pattern.givers.map((giver) => providers[giver]?.ordinal).join(),
        );
        assert.deepEqual(picks, picks.toSorted());
        found += picks.length;
      },
    ),
    { numRuns: 400 },
  );
  assert.ok(found > 400, `too few to tell anything: ${found}`);
});
