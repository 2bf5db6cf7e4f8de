import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertPortsAreForClients } from './client-ports.ts';

const ports = { identity: 5000, console: 6080 };

test('an offset that gives a service a port that browsers refuse is refused, with one that would do', () => {
  assert.throws(() => assertPortsAreForClients(ports, 1000), /identity the port 6000.*as 1100$/);
  assert.throws(() => assertPortsAreForClients(ports, 4000), /console the port 10080/);
});

test('what is refused is what fetch refuses', async () => {
  // Nothing is sent: fetch looks at the port before it connects.
  const reason = await fetch('http://127.0.0.1:6000/').then(
    () => undefined,
    (error: Error) => (error.cause as Error).message,
  );
  assert.equal(reason, 'bad port');
});

test('other offsets are taken', () => {
  for (const offset of [0, 100, 1100, 2000, 10_000]) assertPortsAreForClients(ports, offset);
});
