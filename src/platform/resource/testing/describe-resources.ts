import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { World } from '../../service/testing/world.ts';
import { describedIn } from '../described.ts';
import { accessChecks } from './checks/access.ts';
import { bodyChecks } from './checks/bodies.ts';
import type { Case } from './checks/case.ts';
import { listChecks } from './checks/lists.ts';
import { viewChecks } from './checks/views.ts';
import { type ResourceTests, Subject } from './subject.ts';

export type { ResourceTests, Sample } from './subject.ts';

/** By the name of the resource: `network`. */
export type TestsByResource = Record<string, ResourceTests>;

/**
 * Tests of every described resource of a service, as its API answers them over HTTP: what it refuses and to whom,
 * what it shows at the oldest and the newest microversion, how it is changed, listed, paged, sorted and filtered.
 * They follow from the descriptions; `tests` says what these cannot tell.
 *
 * @param world with the service running
 * @param tests by resource; what stands in `'*'` holds for all
 */
export function describeResources(world: World, service: string, tests: TestsByResource = {}): void {
  const api = world.apis.get(service);
  assert.ok(api, `no service '${service}' is in this world`);
  const resources = describedIn(api.routes);
  const unknown = Object.keys(tests).filter(
    (name) => name !== '*' && !resources.some(({ names }) => names.one === name),
  );
  assert.deepEqual(unknown, [], `${service} does not describe these`);
  for (const resource of resources) {
    const own = { ...tests['*'], ...tests[resource.names.one] };
    const reason = own.leftOut;
    describe(`the described ${resource.names.one}`, reason ? { skip: reason } : {}, () => {
      if (reason) return;
      const subject = new Subject(world, service, resource, own);
      for (const { says, run } of casesOf(subject)) {
        it(says, async () => {
          try {
            await run();
          } finally {
            await subject.tidy();
          }
        });
      }
    });
  }
}

/** Everything that is tested of a resource. */
export const casesOf = (subject: Subject): Case[] =>
  [accessChecks, bodyChecks, viewChecks, listChecks].flatMap((check) => check(subject));
