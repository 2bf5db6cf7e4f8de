import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { admin, member, startWorld, stranger, type World } from '../../../platform/service/testing/world.ts';
import { compute } from '../service.ts';
import { asking } from './testing/ask.ts';

describe('reports on compute', () => {
  let world: World;
  const ask = asking(() => world);
  before(async () => {
    world = await startWorld([compute]);
  });
  after(() => world[Symbol.asyncDispose]());

  it('list what projects used, to those who may know', async () => {
    const path = '/os-simple-tenant-usage';
    const period = '?start=2026-01-01T00:00:00&end=2026-02-01T00:00:00';
    assert.deepEqual((await ask('GET', `${path}${period}`)).body, { tenant_usages: [] });
    assert.equal((await ask('GET', `${path}${period}`, { as: member })).status, 403);
    const own = `${path}/${member.projectId}${period}`;
    assert.deepEqual((await ask('GET', own, { as: member })).body, { tenant_usage: {} });
    assert.equal((await ask('GET', own, { as: stranger })).status, 403);
    assert.equal((await ask('GET', `${path}/${period}`)).status, 404);
    assert.equal((await ask('GET', `${path}?start=yesterday`)).status, 400);
    const backwards = '?start=2026-02-01T00:00:00&end=2026-01-01T00:00:00';
    assert.equal((await ask('GET', `${path}${backwards}`)).status, 400);
    assert.equal((await ask('GET', `${path}${period}&marker=nowhere`, { at: '2.40' })).status, 400);
  });

  it('list migrations', async () => {
    assert.deepEqual((await ask('GET', '/os-migrations', { at: '2.59' })).body, { migrations: [] });
    assert.equal((await ask('GET', '/os-migrations', { as: member })).status, 403);
    assert.equal((await ask('GET', '/os-migrations?colour=red', { at: '2.59' })).status, 400);
    assert.equal((await ask('GET', '/os-migrations?changes-since=soon', { at: '2.59' })).status, 400);
    const manager = { ...admin, roles: ['manager', 'member', 'reader'] };
    const own = `/os-migrations?project_id=${manager.projectId}`;
    assert.equal((await ask('GET', own, { as: manager, at: '2.80' })).status, 200);
  });

  it('list extensions and usage audits', async () => {
    const { extensions } = (await ask('GET', '/extensions', { as: member })).body;
    assert.ok(extensions.some((each: { alias: string }) => each.alias === 'os-keypairs'));
    assert.equal((await ask('GET', '/extensions/os-keypairs')).body.extension.name, 'Keypairs');
    assert.equal((await ask('GET', '/extensions/os-none')).status, 404);
    const audit = '/os-instance_usage_audit_log';
    assert.equal((await ask('GET', audit)).body.instance_usage_audit_logs.num_hosts, 0);
    const march = await ask('GET', `${audit}/2026-03-15%2000:00:00`);
    assert.equal(march.body.instance_usage_audit_log.period_beginning, '2026-02-01 00:00:00');
    assert.equal((await ask('GET', `${audit}/yesterday`)).status, 400);
    assert.equal((await ask('GET', audit, { as: member })).status, 403);
  });
});
