import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type IdentityCloud, startIdentity } from '../testing/cloud.ts';

/** What has ended badly elsewhere, where a text became a part of a statement, a pattern, a path or a template. */
const texts = [
  `' OR '1'='1`,
  `'; DROP TABLE users; --`,
  `" OR ""="`,
  `') UNION SELECT password_hash FROM users --`,
  `\\' OR 1=1 --`,
  `%' AND 1=(SELECT COUNT(*) FROM users) --`,
  `name\` OR 1=1 #`,
  `%`,
  `_`,
  `%_\\%`,
  `*)(uid=*))(|(uid=*`,
  `admin)(&)`,
  `$(touch /tmp/x) \`id\` \${7*7} %(project_id)s {{7*7}}`,
  `<script>alert(1)</script>`,
  `../../etc/passwd`,
  `\r\nX-Injected: yes`,
  `admin\u0000`.replace('\u0000', '\u200b'),
  `ＡＤＭＩＮ`,
  `constructor`,
  `__proto__`,
];

/** Answer by their own rules: to anybody, or with no resource at all. */
const open = ['/v3/auth/OS-FEDERATION', '/v3/OS-FEDERATION'];

describe('a text that would be more than a text', () => {
  let cloud: IdentityCloud;
  before(async () => {
    cloud = await startIdentity();
  });
  after(() => cloud[Symbol.asyncDispose]());
  const get = (path: string) => cloud.request('GET', path, { as: cloud.admin });

  for (const [path, one, many, more, longest] of [
    ['/v3/users', 'user', 'users', {}, 255],
    ['/v3/groups', 'group', 'groups', {}, 64],
    ['/v3/projects', 'project', 'projects', {}, 64],
    ['/v3/domains', 'domain', 'domains', {}, 64],
    ['/v3/roles', 'role', 'roles', {}, 255],
    ['/v3/services', 'service', 'services', { type: 'injected' }, 255],
  ] as const) {
    it(`is a ${one}’s name like any other, and finds that one only`, async () => {
      const there = (await get(path)).body[many].length;
      let made = 0;
      for (const name of texts.filter((text) => text.length <= longest)) {
        const none = await get(`${path}?name=${encodeURIComponent(name)}`);
        assert.deepEqual([none.status, none.body[many]], [200, []], name);
        const item = await cloud.make(path, one, { name, ...more });
        made += 1;
        assert.equal(item['name'], one === 'user' ? name.trim() : name);
        const found = await get(`${path}?name=${encodeURIComponent(String(item['name']))}`);
        assert.deepEqual(
          found.body[many].map((each: { id: string }) => each.id),
          [item.id],
          name,
        );
        assert.equal(found.headers.get('x-injected'), null);
      }
      assert.equal((await get(path)).body[many].length, there + made);
    });
  }

  it('is compared as it is, wildcards and all', async () => {
    for (const name of ['wild%card', 'wild_card', 'wildXcard', 'wild\\card'])
      await cloud.make('/v3/users', 'user', { name });
    const names = async (filter: string, value: string) =>
      (await get(`/v3/users?name__${filter}=${encodeURIComponent(value)}`)).body.users
        .map((user: { name: string }) => user.name)
        .sort();
    assert.deepEqual(await names('contains', 'wild%'), ['wild%card']);
    assert.deepEqual(await names('startswith', 'wild_c'), ['wild_card']);
    assert.deepEqual(await names('endswith', '\\card'), ['wild\\card']);
    assert.deepEqual(await names('icontains', 'WILDX'), ['wildXcard']);
  });

  it('is nobody’s id, in any path', async () => {
    const routes = cloud.world.apis.get('identity')?.routes ?? [];
    const paths = routes.flatMap(({ method, path }) =>
      method === 'GET' && path.includes('/:') && !open.some((each) => path.startsWith(each)) ? [path] : [],
    );
    assert.ok(paths.length > 60, `${paths.length}`);
    for (const text of [
      `' OR '1'='1`,
      `%27%20OR%201=1`,
      `..%2f..%2fdomains`,
      `%00`,
      `1;SELECT`,
      `{id}`,
      `*`,
    ]) {
      for (const path of paths) {
        const url = path.replaceAll(/:\w+/g, /%/.test(text) ? text : encodeURIComponent(text));
        const { status, body } = await get(url);
        // What hangs on nobody is nothing.
        const nothing =
          status === 200 &&
          Object.values(body)
            .filter(Array.isArray)
            .map(({ length }) => length)
            .join() === '0';
        assert.ok(nothing || [400, 403, 404].includes(status), `${url}: ${status} ${JSON.stringify(body)}`);
      }
    }
  });

  it('is no filter, sort key, marker or limit of any list', async () => {
    const lists = ['users', 'groups', 'projects', 'domains', 'roles', 'services', 'endpoints', 'regions'];
    for (const list of lists) {
      const all = (await get(`/v3/${list}`)).body[list].length;
      for (const query of [
        `sort_key=id;DROP TABLE users`,
        `sort_key=password_hash&sort_dir=desc`,
        `sort_dir=desc;--`,
        `name;DROP=x`,
        `__proto__=x`,
        `constructor=x`,
        `password_hash__startswith=$2b$`,
        `extra__contains=x`,
        `options__contains=x`,
        `name__like=%25`,
        `name__regex=.*`,
      ]) {
        const { status, body } = await get(`/v3/${list}?${encodeURI(query)}`);
        assert.ok(status === 200 || status === 400, `${list}?${query}: ${status}`);
        if (status === 200) assert.equal(body[list].length, all, `${list}?${query}`);
      }
      assert.equal((await get(`/v3/${list}?marker=${encodeURIComponent(`' OR 1=1`)}`)).status, 400);
      assert.equal((await get(`/v3/${list}?limit=${encodeURIComponent('1 OFFSET 0')}`)).status, 400);
    }
  });

  it('authenticates nobody', async () => {
    for (const text of texts) {
      for (const user of [
        { name: text, domain: { id: 'default' }, password: text },
        { name: 'admin', domain: { name: text }, password: 'x' },
        { name: 'admin', domain: { id: text }, password: text },
        { id: text, password: text },
      ]) {
        const { status, headers } = await cloud.authenticate(user);
        assert.equal(status, 401, JSON.stringify(user));
        assert.equal(headers.get('x-subject-token'), null);
      }
    }
  });
});
