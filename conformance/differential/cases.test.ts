import assert from 'node:assert/strict';
import { test } from 'node:test';
import { casesOf } from './cases.ts';
import { compareAnswers } from './compare.ts';
import type { Row } from './row.ts';

const cases = (...rows: Row[]) => casesOf({ service: 'identity', nowhere: 'nowhere', rows });
const titles = (...rows: Row[]) => cases(...rows).map(({ title }) => title);

test('a deletion is tried by those who may not, then done, then done again', () => {
  assert.deepEqual(titles({ ask: 'DELETE /v3/users/{user}', also: ['member'] }), [
    'DELETE /v3/users/{user} · nobody',
    'DELETE /v3/users/{user} · stranger',
    'DELETE /v3/users/{user} · member',
    'DELETE /v3/users/{user} · no such user',
    'DELETE /v3/users/{user} · admin',
    'DELETE /v3/users/{user} · again',
  ]);
});

test('a creation comes first, and nothing that is wrong could take its name', () => {
  const all = cases({
    ask: 'POST /v3/users',
    body: { user: { name: 'a', enabled: true } },
    keep: { user: 'user.id' },
  });
  assert.equal(all[0]?.title, 'POST /v3/users · admin');
  assert.equal(all[1]?.title, 'POST /v3/users · again');
  const named = all.slice(2).filter(({ body }) => JSON.stringify(body)?.includes('"name":"a"'));
  assert.deepEqual(named, []);
  assert.ok(all.slice(1).every(({ keep }) => Object.keys(keep).length === 0));
});

test('every title is one case', () => {
  const all = titles({ ask: 'GET /v3', only: true }, { ask: 'GET /v3', only: true });
  assert.deepEqual(all, ['GET /v3 · admin', 'GET /v3 · admin · 2']);
});

test('a difference is known only where all its lines are', () => {
  const known = [{ why: 'meant', of: /x/, lines: /^[-+]b/ }];
  const compare = (ours: string) => compareAnswers(new Map([['x', 'a\nb1']]), new Map([['x', ours]]), known);
  assert.equal(compare('a\nb1').same, 1);
  assert.equal(compare('a\nb2').known.get('meant'), 1);
  assert.deepEqual(compare('c\nb2').unknown, [{ diff: '-a\n+c', titles: ['x'] }]);
});
