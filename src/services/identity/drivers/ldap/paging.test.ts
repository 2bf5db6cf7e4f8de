import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { LdapBackend } from './backend.ts';
import { LdapSizeLimitExceeded } from './errors.ts';
import { companyOptions, groupsTree, person, trees, usersTree } from './testing/people.ts';
import { missingSlapd, type Slapd, startSlapd } from './testing/slapd.ts';

const skip = missingSlapd() ?? false;

describe('a directory of many', { skip }, () => {
  const many = 1200;
  let slapd: Slapd;
  const opened: LdapBackend[] = [];
  const open = (options: Record<string, unknown> = {}): LdapBackend => {
    const backend = new LdapBackend({ url: slapd.url, ...companyOptions, ...options });
    opened.push(backend);
    return backend;
  };

  before(async () => {
    const ids = Array.from({ length: many }, (_, n) => `user${n}`);
    const all = `dn: cn=all,${groupsTree}\nobjectClass: groupOfNames\ncn: all\n${ids.map((id) => `member: uid=${id},${usersTree}`).join('\n')}\n`;
    slapd = await startSlapd({
      ldif: [trees, ...ids.map((id) => person(id)), all].join(''),
      database: 'sizelimit size.soft=500 size.hard=500 size.pr=unlimited size.prtotal=unlimited',
    });
  });
  after(async () => {
    for (const each of opened) each.close();
    await slapd[Symbol.asyncDispose]();
  });

  test('is read whole, page by page', async () => {
    assert.equal((await open({ page_size: 100 }).users({})).length, many);
    assert.equal((await open({ page_size: 100 }).users({ limit: 250 })).length, 250);
  });

  test('without pages, what the server keeps back is said, not left out', async () => {
    await assert.rejects(open().users({}), LdapSizeLimitExceeded);
    assert.equal((await open().users({ limit: 20 })).length, 20);
  });

  test('a group of all of them is looked up in few questions', async () => {
    assert.equal((await open().usersOfGroup('all')).length, many);
  });
});
