import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BadRequest } from '../../../platform/errors/errors.ts';
import { openStore } from '../../../platform/store/store.ts';
import { forEachDatabase } from '../../../platform/store/testing/databases.ts';
import { type HashRecipe, hashPassword, verifyPassword } from '../model/password-hash.ts';
import type { SecurityCompliance } from '../model/password-rules.ts';
import { type Micros, parseIsoTime } from '../model/timestamps.ts';
import { Changes } from '../store/changes.ts';
import { Directory } from '../store/directory.ts';
import { identitySchema } from '../store/schema.ts';
import { noDomain, type UserRow } from '../store/tables.ts';
import { Hasher } from './hasher.ts';
import { Passwords } from './password.ts';

const off: SecurityCompliance = {
  lockout_failure_attempts: 0,
  lockout_duration: 1800,
  disable_user_account_days_inactive: 0,
  password_expires_days: 0,
  unique_last_password_count: 0,
  minimum_password_age: 0,
  password_regex: '',
  password_regex_description: '',
  change_password_upon_first_use: false,
};
const recipe: HashRecipe = {
  password_hash_algorithm: 'bcrypt',
  password_hash_rounds: 4,
  salt_bytesize: 16,
  scrypt_block_size: 8,
  scrypt_parallelism: 1,
};
const second = 1e6;
const day = 86_400 * second;
const start = parseIsoTime('2026-01-10T12:00:00Z');

const inMemory = (schema: typeof identitySchema) => openStore(schema, { url: 'sqlite::memory:' });

/** Passwords over a real store, at a time of the test's choosing, whose hashing is counted. */
async function world(rules: Partial<SecurityCompliance> = {}, open = inMemory) {
  const store = await open(identitySchema);
  const changes = new Changes(store);
  const directory = new Directory(store, changes);
  const verified: string[] = [];
  let now: Micros = start;
  const hasher = new Hasher(
    {
      ...recipe,
      max_password_length: 4096,
      strict_password_check: false,
      password_hash_concurrency: 4,
      password_hash_queue: 1000,
    },
    {
      hash: hashPassword,
      verify: (password, hashed) => {
        verified.push(hashed);
        return verifyPassword(password, hashed);
      },
    },
  );
  const passwords = new Passwords({
    store,
    directory,
    hasher,
    rules: { ...off, ...rules },
    decoyKey: Buffer.from('nobody knows'),
    now: () => now,
  });
  await store.db
    .insertInto('projects')
    .values({ id: 'default', name: 'Default', domain_id: noDomain, parent_id: null, is_domain: true })
    .execute();
  const make = async (id: string, row: Partial<UserRow> = {}) => {
    await store.db
      .insertInto('users')
      .values({ id, name: `name-${id}`, domain_id: 'default', user_created_at: passwords.now(), ...row })
      .execute();
    return id;
  };
  return {
    store,
    passwords,
    verified,
    make,
    /** A user whose password an administrator gave. */
    async user(id: string, password: string, row: Partial<UserRow> = {}) {
      return make(id, { ...(await passwords.given(password, row.options ?? {})), ...row });
    },
    row: async (id: string) =>
      (await store.db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst()) as UserRow,
    async write(id: string, columns: Partial<UserRow>) {
      await store.db.updateTable('users').set(columns).where('id', '=', id).execute();
      changes.wrote();
    },
    async change(id: string, password: string) {
      const user = await this.row(id);
      const columns = await passwords.chosen(user, password);
      await passwords.retire(id);
      await this.write(id, columns);
    },
    try: async (id: string, password: string) => {
      const checked = await passwords.check({ id }, password);
      if (!checked.right) return checked.why;
      return checked.expired ? 'expired' : 'right';
    },
    pass(micros: Micros) {
      now += micros;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

describe('lockout', () => {
  const rules = { lockout_failure_attempts: 3, lockout_duration: 60 };

  it('begins with the last wrong password that is allowed, and ends after its time', async () => {
    await using here = await world(rules);
    const id = await here.user('a', 'right');
    for (const _ of [1, 2, 3]) assert.equal(await here.try(id, 'wrong'), 'wrong');
    assert.equal(await here.try(id, 'right'), 'locked');
    here.pass(59 * second);
    assert.equal(await here.try(id, 'right'), 'locked');
    here.pass(second);
    assert.equal(await here.try(id, 'wrong'), 'wrong');
    assert.equal((await here.row(id)).failed_auth_count, 1);
    assert.equal(await here.try(id, 'right'), 'right');
    assert.equal((await here.row(id)).failed_auth_count, 0);
  });

  it('is not drawn out by tries meanwhile, and is not begun by wrong passwords between right ones', async () => {
    await using here = await world(rules);
    const id = await here.user('a', 'right');
    for (const password of ['x', 'x', 'right', 'x', 'x']) await here.try(id, password);
    assert.equal(await here.try(id, 'right'), 'right');
    for (const _ of [1, 2, 3]) await here.try(id, 'wrong');
    here.pass(30 * second);
    assert.equal(await here.try(id, 'wrong'), 'locked');
    here.pass(30 * second);
    assert.equal(await here.try(id, 'right'), 'right');
  });

  it('lasts until an administrator ends it where it has no duration', async () => {
    await using here = await world({ ...rules, lockout_duration: 0 });
    const id = await here.user('a', 'right');
    for (const _ of [1, 2, 3]) await here.try(id, 'wrong');
    here.pass(10_000 * day);
    assert.equal(await here.try(id, 'right'), 'locked');
    await here.write(id, here.passwords.readmitted(await here.row(id)));
    assert.equal(await here.try(id, 'right'), 'right');
  });

  it('spares whom the option spares, and nobody is counted where it is off', async () => {
    await using here = await world(rules);
    const id = await here.user('a', 'right', { options: { ignore_lockout_failure_attempts: true } });
    for (const _ of [1, 2, 3, 4]) await here.try(id, 'wrong');
    assert.equal(await here.try(id, 'right'), 'right');
    await using open = await world();
    await open.user('b', 'right');
    for (const _ of [1, 2, 3, 4]) await open.try('b', 'wrong');
    assert.equal((await open.row('b')).failed_auth_count, 0);
  });
});

describe('expiry', () => {
  it('comes after its days for whom no option spares', async () => {
    await using here = await world({ password_expires_days: 30 });
    await here.user('a', 'right');
    await here.user('b', 'right', { options: { ignore_password_expiry: true } });
    assert.equal((await here.row('a')).password_expires_at, '2026-02-09T12:00:00.000000');
    assert.equal((await here.row('b')).password_expires_at, null);
    here.pass(30 * day - second);
    assert.equal(await here.try('a', 'right'), 'right');
    here.pass(second);
    assert.equal(await here.try('a', 'right'), 'expired');
    assert.equal(await here.try('a', 'wrong'), 'wrong');
    assert.equal(await here.try('b', 'right'), 'right');
    await here.change('a', 'other');
    assert.equal(await here.try('a', 'other'), 'right');
  });

  it('is at once for what an administrator gave, where a password must be changed first', async () => {
    await using here = await world({ change_password_upon_first_use: true });
    await here.user('a', 'given');
    await here.user('b', 'given', { options: { ignore_change_password_upon_first_use: true } });
    assert.equal(await here.try('a', 'given'), 'expired');
    assert.equal(await here.try('b', 'given'), 'right');
    await here.change('a', 'chosen');
    assert.equal(await here.try('a', 'chosen'), 'right');
  });
});

describe('choosing a password', () => {
  it('does not take the last ones again, the present one among them', async () => {
    await using here = await world({ unique_last_password_count: 3 });
    await here.user('a', 'one');
    await here.change('a', 'two');
    await here.change('a', 'three');
    for (const old of ['one', 'two', 'three']) {
      await assert.rejects(
        here.change('a', old),
        (error) => error instanceof BadRequest && error.message.endsWith('must be unique is 3.'),
      );
    }
    await here.change('a', 'four');
    await here.change('a', 'one');
    const past = await here.store.db.selectFrom('past_passwords').selectAll().orderBy('number').execute();
    assert.equal(past.length, 3);
    assert.ok(past.every((row) => row.password_expires_at !== null));
  });

  it('takes any where there is no such rule', async () => {
    await using here = await world();
    await here.user('a', 'one');
    await here.change('a', 'one');
    assert.equal(await here.try('a', 'one'), 'right');
  });

  it('must wait after one’s own change, not after an administrator’s', async () => {
    await using here = await world({ minimum_password_age: 2 });
    await here.user('a', 'given');
    await here.change('a', 'chosen');
    here.pass(day / 2);
    await assert.rejects(here.change('a', 'other'), /used for 2 day\(s\).*again in 1 day\(s\)/);
    here.pass(1.5 * day);
    await here.change('a', 'other');
  });

  it('is refused to whose password is locked', async () => {
    await using here = await world();
    await here.user('a', 'given', { options: { lock_password: true } });
    await assert.rejects(here.change('a', 'chosen'), /policy disallowing password changes/);
  });

  it('is held to the pattern, as is giving one', async () => {
    await using here = await world({
      password_regex: '(?=.*\\d)(?P<rest>.{7,})$',
      password_regex_description: 'seven characters, one a digit',
    });
    const refused = (error: unknown) =>
      error instanceof BadRequest &&
      error.message === 'The password does not match the requirements: seven characters, one a digit.';
    await assert.rejects(here.passwords.given('short1', {}), refused);
    await assert.rejects(here.passwords.given('no digit here', {}), refused);
    await assert.rejects(here.passwords.given(null, {}), /must be a string type/);
    await here.user('a', 'long enough 1');
    await assert.rejects(here.change('a', 'bad'), refused);
  });
});

describe('inactivity', () => {
  it('counts from the last day on which one was there, or from the first', async () => {
    await using here = await world({ disable_user_account_days_inactive: 30 });
    await here.user('a', 'right');
    await here.user('b', 'right', { options: { ignore_user_inactivity: true } });
    here.pass(29 * day);
    assert.equal(await here.try('a', 'right'), 'right');
    assert.equal((await here.row('a')).last_active_at, '2026-02-08');
    here.pass(30 * day);
    assert.equal(await here.try('a', 'right'), 'disabled');
    assert.equal(await here.try('b', 'right'), 'right');
    await here.write('a', here.passwords.readmitted(await here.row('a')));
    assert.equal(await here.try('a', 'right'), 'right');
  });
});

describe('what a try costs', () => {
  it('is one verification for everybody: known, unknown, locked, disabled, without a password', async () => {
    await using here = await world({ lockout_failure_attempts: 2 });
    await here.user('a', 'right');
    await here.user('locked', 'right');
    for (const _ of [1, 2]) await here.try('locked', 'wrong');
    await here.user('disabled', 'right', { enabled: false });
    await here.make('without');
    for (const id of ['a', 'locked', 'disabled', 'without', 'nobody']) {
      here.verified.length = 0;
      assert.notEqual(await here.try(id, 'wrong'), 'right');
      assert.equal(here.verified.length, 1, id);
      assert.match(here.verified[0] as string, /^\$2b\$04\$/, id);
    }
    here.verified.length = 0;
    await here.passwords.check({ name: 'nobody', domain: { name: 'nowhere' } }, 'x');
    await here.passwords.check({ name: 'nobody', domain: { id: 'default' } }, 'x');
    assert.equal(here.verified.length, 2);
  });

  it('is even where nobody is there to be compared with', async () => {
    await using here = await world();
    assert.equal(await here.try('nobody', 'x'), 'wrong');
    assert.match(here.verified[0] as string, /^\$2b\$04\$/);
  });

  it('is for names that nobody has as for those that somebody has, in the same proportions and the same each time', async () => {
    await using here = await world();
    const other = await hashPassword(Buffer.from('x'), {
      ...recipe,
      password_hash_algorithm: 'pbkdf2_sha512',
    });
    const first = await hashPassword(Buffer.from('x'), recipe);
    const users = 64;
    for (let n = 0; n < users; n += 1) {
      // One in four was hashed otherwise; ids lie evenly, as random ones do.
      const id = `${((n * 256) / users).toString(16).padStart(2, '0')}${'0'.repeat(30)}`;
      await here.make(id, { password_hash: n % 4 === 0 ? other : first });
    }
    const kinds = async () => {
      here.verified.length = 0;
      for (let n = 0; n < 400; n += 1) await here.passwords.check({ id: `nobody ${n}` }, 'x');
      return here.verified.map((hashed) => hashed.startsWith('$pbkdf2'));
    };
    const seen = await kinds();
    const share = seen.filter(Boolean).length / seen.length;
    // The names and the key are fixed, so this is one number and not a chance.
    assert.ok(share > 0.18 && share < 0.32, `${share}`);
    assert.deepEqual(await kinds(), seen);
  });

  it('leaves nothing to be written for a right password but the day’s first', async () => {
    await using here = await world({ lockout_failure_attempts: 3 });
    await here.user('a', 'right');
    await here.try('a', 'right');
    const before = await here.row('a');
    assert.equal(before.last_active_at, '2026-01-10');
    const changes = async () =>
      (await here.store.run({ sql: 'SELECT total_changes() AS n', params: [], reads: true })).rows[0]?.['n'];
    const written = await changes();
    await Promise.all([1, 2, 3].map(() => here.try('a', 'right')));
    assert.equal(await changes(), written);
  });
});

forEachDatabase((_name, open) => {
  it('counts every one of many guesses at once, so that the right one among them comes too late', async () => {
    await using here = await world({ lockout_failure_attempts: 3 }, open);
    const id = await here.user('a', 'right');
    const guesses = Array.from({ length: 40 }, (_, n) => here.try(id, `guess ${n}`));
    // The others are on their way when the first of them is decided.
    await Promise.race(guesses);
    const outcomes = await Promise.all([...guesses, here.try(id, 'right')]);
    assert.equal(outcomes.filter((outcome) => outcome === 'wrong').length, 3);
    assert.equal(outcomes.filter((outcome) => outcome === 'locked').length, 38);
    assert.equal((await here.row(id)).failed_auth_count, 3);
  });

  it('keeps past passwords in their order, and no more than are asked for', async () => {
    await using here = await world({ unique_last_password_count: 2 }, open);
    await here.user('a', 'one');
    for (const next of ['two', 'three', 'one', 'two']) await here.change('a', next);
    await assert.rejects(here.change('a', 'one'), BadRequest);
    await here.change('a', 'three');
    const past = await here.store.db
      .selectFrom('past_passwords')
      .select('number')
      .orderBy('number')
      .execute();
    assert.deepEqual(
      past.map((row) => row.number),
      [4, 5],
    );
  });
});
