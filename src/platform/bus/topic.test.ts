import assert from 'node:assert/strict';
import { test } from 'node:test';
import { topicMatcher } from './topic.ts';

test('a pattern matches as in a topic exchange', () => {
  const cases: [string, string, boolean][] = [
    ['compute.instance.create', 'compute.instance.create', true],
    ['compute.*.create', 'compute.instance.create', true],
    ['compute.*', 'compute.instance.create', false],
    ['compute.*', 'compute', false],
    ['compute.#', 'compute', true],
    ['compute.#', 'compute.instance.create', true],
    ['#.end', 'compute.instance.create.end', true],
    ['#.end', 'end', true],
    ['#.create.#', 'volume.create.start', true],
    ['#', 'anything.at.all', true],
    ['compute', 'computer', false],
  ];
  for (const [pattern, event, expected] of cases)
    assert.equal(topicMatcher(pattern)(event), expected, `${pattern} and ${event}`);
});
