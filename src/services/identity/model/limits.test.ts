import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { effectiveLimits, exceeds, type RegisteredLimit, unlimited } from './limits.ts';

const registered: RegisteredLimit[] = [
  { id: 'r1', region_id: null, resource_name: 'servers', default_limit: 10 },
  { id: 'r2', region_id: 'one', resource_name: 'servers', default_limit: 20 },
  { id: 'r3', region_id: 'two', resource_name: 'ports', default_limit: 30 },
];
const own = (registered_limit_id: string, resource_limit: number, owner: object) => ({
  registered_limit_id,
  resource_limit,
  project_id: null,
  domain_id: null,
  ...owner,
});
const subject = { projectId: 'p', domainId: 'd', model: 'flat' } as const;

test('a region’s own registered limit goes before the one for all regions', () => {
  const limits = (region?: string) =>
    effectiveLimits({ registered, own: [] }, { ...subject, ...(region ? { region } : {}) });
  assert.equal(limits('one').get('servers')?.limit, 20);
  assert.equal(limits('two').get('servers')?.limit, 10);
  assert.equal(limits('one').get('ports'), undefined);
  assert.equal(limits('two').get('ports')?.limit, 30);
  assert.equal(limits().get('servers')?.limit, 10);
});

test('a project’s own limit goes before the default, zero and any number too', () => {
  for (const limit of [0, 5, unlimited]) {
    const rows = {
      registered,
      own: [own('r1', limit, { project_id: 'p' }), own('r2', 7, { project_id: 'p' })],
    };
    assert.deepEqual(effectiveLimits(rows, subject).get('servers'), { limit });
  }
  const others = { registered, own: [own('r1', 5, { project_id: 'q' }), own('r1', 6, { domain_id: 'd' })] };
  assert.deepEqual(effectiveLimits(others, subject).get('servers'), { limit: 10 });
});

test('in a hierarchy the domain’s limit, or else the default, bounds all of its projects together', () => {
  const strict = { ...subject, model: 'strict_two_level' } as const;
  const rows = { registered, own: [own('r1', 4, { project_id: 'p' }), own('r1', 50, { domain_id: 'd' })] };
  assert.deepEqual(effectiveLimits(rows, strict).get('servers'), {
    limit: 4,
    tree: { limit: 50, domainId: 'd' },
  });
  assert.deepEqual(effectiveLimits({ registered, own: [] }, strict).get('servers'), {
    limit: 10,
    tree: { limit: 10, domainId: 'd' },
  });
  assert.equal(effectiveLimits(rows, { ...strict, projectId: 'd' }).get('servers')?.limit, 50);
});

test('one limit exceeds another when some amount is within it and not within the other', () => {
  const limit = fc.integer({ min: -1, max: 6 });
  const within = (amount: number, bound: number) => bound === unlimited || amount <= bound;
  fc.assert(
    fc.property(limit, limit, (one, other) => {
      const some = [0, 1, 2, 3, 4, 5, 6, 7, 1000];
      assert.equal(
        exceeds(one, other),
        some.some((amount) => within(amount, one) && !within(amount, other)),
      );
    }),
  );
});
