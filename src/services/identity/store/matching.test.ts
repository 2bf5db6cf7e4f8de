import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Condition } from '../../../platform/resource/rows.ts';
import { matches } from './matching.ts';

const row = { name: 'Alice Example', enabled: true, description: null, number: '2' };

test('conditions hold of a row as a table would decide', () => {
  const holding: Condition[] = [
    { column: 'enabled', op: 'eq', value: true },
    { column: 'name', op: 'ne', value: 'Bob' },
    { column: 'name', op: 'in', value: ['Bob', 'Alice Example'] },
    { column: 'name', op: 'nin', value: ['Bob'] },
    { column: 'name', op: 'contains', value: 'ice' },
    { column: 'name', op: 'startswith', value: 'Al' },
    { column: 'name', op: 'endswith', value: 'ple' },
    { column: 'name', op: 'iequals', value: 'ALICE EXAMPLE' },
    { column: 'name', op: 'icontains', value: 'EXA' },
    { column: 'name', op: 'istartswith', value: 'aL' },
    { column: 'name', op: 'iendswith', value: 'PLE' },
    { column: 'number', op: 'gt', value: '1' },
    { column: 'number', op: 'lte', value: '2' },
    { column: 'description', op: 'null' },
    { column: 'absent', op: 'null' },
    { column: 'name', op: 'notnull' },
    { any: [[{ column: 'name', op: 'eq', value: 'Bob' }], [{ column: 'enabled', op: 'eq', value: true }]] },
  ];
  for (const each of holding) assert.ok(matches(row, [each]), JSON.stringify(each));
  assert.ok(matches(row, holding));
});

test('one that does not hold is enough', () => {
  const failing: Condition[] = [
    { column: 'enabled', op: 'eq', value: false },
    { column: 'name', op: 'contains', value: 'ALICE' },
    { column: 'name', op: 'in', value: [] },
    { column: 'description', op: 'contains', value: '' },
    { column: 'description', op: 'lt', value: 'z' },
    { column: 'number', op: 'lt', value: '2' },
    { column: 'number', op: 'gte', value: '3' },
    { column: 'name', op: 'null' },
    { any: [] },
  ];
  for (const each of failing) {
    assert.ok(!matches(row, [{ column: 'enabled', op: 'eq', value: true }, each]), JSON.stringify(each));
  }
});
