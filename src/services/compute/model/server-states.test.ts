import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { powerStateOf, statesOf, statusOf } from './server-states.ts';

const vmStates = ['active', 'building', 'paused', 'suspended', 'stopped', 'resized', 'error', 'deleted'];
const tasks = [null, 'rebooting', 'rebooting_hard', 'rebuilding', 'resize_prep', 'spawning', 'deleting'];

describe("a server's status", () => {
  it('is that of its vm_state, unless its task says more', () => {
    assert.equal(statusOf('active', null), 'ACTIVE');
    assert.equal(statusOf('active', 'rebooting_hard'), 'HARD_REBOOT');
    assert.equal(statusOf('active', 'powering-off'), 'ACTIVE');
    assert.equal(statusOf('building', 'spawning'), 'BUILD');
    assert.equal(statusOf('stopped', 'resize_prep'), 'RESIZE');
    assert.equal(statusOf('nonsense', null), 'UNKNOWN');
  });

  it('finds again the states that it stands for, and no others', () => {
    fc.assert(
      fc.property(fc.constantFrom(...vmStates), fc.constantFrom(...tasks), (vmState, task) => {
        const matches = (status: string) =>
          statesOf(status).some(
            (each) =>
              each.vmState === vmState &&
              (each.among ? task !== null && each.tasks.includes(task) : !each.tasks.includes(task ?? '')),
          );
        assert.ok(matches(statusOf(vmState, task)));
        for (const other of ['ACTIVE', 'REBOOT', 'HARD_REBOOT', 'REBUILD', 'RESIZE', 'SHUTOFF', 'ERROR'])
          if (other !== statusOf(vmState, task)) assert.ok(!matches(other), other);
      }),
    );
    assert.deepEqual(statesOf('nonsense'), []);
  });
});

it('knows the numbers of power states', () => {
  assert.deepEqual(
    ['running', 'paused', 'shutdown', 'crashed', 'suspended', '?'].map(powerStateOf),
    [1, 3, 4, 6, 7, 0],
  );
});
