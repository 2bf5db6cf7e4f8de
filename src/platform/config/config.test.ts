import assert from 'node:assert/strict';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { assert as holds, property, string } from 'fast-check';
import { cloudSettings, databaseUrl } from './cloud-settings.ts';
import { ConfigError, loadConfig } from './load.ts';
import { nearest } from './nearest.ts';
import { settingsOf } from './schema.ts';
import { boolean, dictionary, integer, list, number, options, text, url } from './setting.ts';

const schema = {
  ...cloudSettings,
  compute: {
    cpu_allocation_ratio: number({ description: 'r', default: 4, min: 0.1, max: 100 }),
    resume_guests: boolean({ description: 'b', default: false }),
  },
  'block-storage': {
    password: text({ description: 'p', default: '', secret: true }),
  },
} as const;

async function file(t: TestContext, content: string, mode = 0o600): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'cumulet-config-'));
  t.after(() => rm(directory, { recursive: true }));
  const name = join(directory, 'cumulet.yaml');
  await writeFile(name, content);
  await chmod(name, mode);
  return name;
}

const problems = (expected: RegExp) => (error: unknown) => {
  assert(error instanceof ConfigError);
  assert.match(error.message, expected);
  return true;
};

test('flags win over the environment, that over the file, that over defaults; and it is known which did', async (t) => {
  const name = await file(
    t,
    'region: file\nhost: file\naddress: 10.0.0.1\ncompute:\n  cpu_allocation_ratio: 8\n',
  );
  const { values, show } = await loadConfig(schema, {
    file: name,
    environment: { CUMULET_REGION: 'environment', CUMULET_HOST: 'environment' },
    flags: { region: 'flag' },
  });
  assert.deepEqual(
    [values.region, values.host, values.address, values.port_offset, values.compute.cpu_allocation_ratio],
    ['flag', 'environment', '10.0.0.1', 0, 8],
  );
  const origins = new Map(show().map((one) => [one.name, one.origin]));
  assert.deepEqual(
    ['region', 'host', 'address', 'port_offset', 'compute.cpu_allocation_ratio'].map((one) =>
      origins.get(one),
    ),
    ['--region', 'CUMULET_HOST', name, 'default', name],
  );
});

test('what was so the last time wins over defaults only, and is known by the file that remembers it', async (t) => {
  const name = await file(t, 'region: file\n');
  const kept = { values: { region: 'kept', host: 'kept', address: undefined }, origin: 'started-with.json' };
  const { values, show } = await loadConfig(schema, { kept, file: name, environment: {}, flags: {} });
  assert.deepEqual([values.region, values.host, values.address], ['file', 'kept', '127.0.0.1']);
  const origins = new Map(show().map((one) => [one.name, one.origin]));
  assert.deepEqual([origins.get('host'), origins.get('address')], ['started-with.json', 'default']);
});

test('values have their types', async () => {
  const { values } = await loadConfig(schema, {
    environment: { CUMULET_PORT_OFFSET: '100', CUMULET_COMPUTE_RESUME_GUESTS: 'true' },
    flags: { hypervisor: 'simulated' },
  });
  const offset: number = values.port_offset;
  const hypervisor: 'qemu' | 'simulated' = values.hypervisor;
  assert.deepEqual([offset, hypervisor, values.compute.resume_guests], [100, 'simulated', true]);
});

test('an unknown key in the file is an error that names the key that was meant', async (t) => {
  const name = await file(t, 'regoin: x\ncompute:\n  cpu_alocation_ratio: 2\nzzzzzzzzzzzz: 1\nnetwrok: {}\n');
  await assert.rejects(loadConfig(schema, { file: name }), (error) => {
    assert(error instanceof ConfigError);
    assert.deepEqual(error.message.split('\n').slice(0, 3), [
      `${name}: there is no setting regoin; did you mean region?`,
      `${name}: there is no setting compute.cpu_alocation_ratio; did you mean compute.cpu_allocation_ratio?`,
      `${name}: there is no setting zzzzzzzzzzzz`,
    ]);
    return true;
  });
});

test('a wrong value is an error that names the setting and where it was said, and does not repeat it', async () => {
  await assert.rejects(
    loadConfig(schema, { environment: { CUMULET_PORT_OFFSET: 'hunter2' }, flags: { hypervisor: 'xen' } }),
    (error) => {
      assert(error instanceof ConfigError);
      assert.deepEqual(error.message.split('\n'), [
        'port_offset (CUMULET_PORT_OFFSET): must be a whole number from 0 to 50000',
        'hypervisor (--hypervisor): must be one of qemu, simulated',
      ]);
      return true;
    },
  );
});

test('secrets and passwords in URLs are not shown', async () => {
  const { show, values } = await loadConfig(schema, {
    environment: {
      CUMULET_BLOCK_STORAGE_PASSWORD: 'hunter2',
      CUMULET_TRANSPORT_URL: 'amqp://cloud:p@ss:w@rabbit:5672/v',
    },
  });
  assert.equal(values['block-storage'].password, 'hunter2');
  const shown = new Map(show().map(({ name, value }) => [name, value]));
  assert.equal(shown.get('block-storage.password'), '***');
  assert.equal(shown.get('transport_url'), 'amqp://cloud:***@rabbit:5672/v');
});

test('a file with a secret that everybody can read is refused', async (t) => {
  const secret = 'transport_url: amqp://cloud:hunter2@rabbit\n';
  await assert.rejects(
    loadConfig(schema, { file: await file(t, secret, 0o644) }),
    problems(/everybody can read it/),
  );
  await loadConfig(schema, { file: await file(t, secret, 0o640) });
  await loadConfig(schema, { file: await file(t, 'region: x\n', 0o644) });
});

test('a file that is missing, broken or no mapping is an error with its name', async (t) => {
  await assert.rejects(
    loadConfig(schema, { file: '/nowhere/cumulet.yaml' }),
    problems(/^\/nowhere\/cumulet.yaml: ENOENT/),
  );
  await assert.rejects(
    loadConfig(schema, { file: await file(t, 'region: x\nhost: "x\n') }),
    problems(/yaml:\d+: /),
  );
  await assert.rejects(loadConfig(schema, { file: await file(t, '- a\n') }), problems(/must hold settings/));
  await assert.rejects(
    loadConfig(schema, { file: await file(t, 'compute: 3\n') }),
    problems(/compute must be a section/),
  );
  await loadConfig(schema, { file: await file(t, '# nothing\n') });
});

test('every name of a setting follows from the one in the schema, and no two settings share one', () => {
  const settings = settingsOf(schema);
  assert.deepEqual(
    settings
      .filter(({ name }) => name === 'block-storage.password')
      .map(({ variable, flag, option }) => [variable, flag, option]),
    [['CUMULET_BLOCK_STORAGE_PASSWORD', '--block-storage-password', 'blockStoragePassword']],
  );
  for (const key of ['variable', 'flag', 'option'] as const)
    assert.equal(new Set(settings.map((one) => one[key])).size, settings.length);
});

test('the database of a service is its own', () => {
  const settings = {
    database_url: 'sqlite:{state_dir}/{service}/{service}.db',
    state_dir: '/var/lib/cumulet',
  };
  assert.equal(databaseUrl(settings, 'compute'), 'sqlite:/var/lib/cumulet/compute/compute.db');
  assert.equal(databaseUrl({ ...settings, state_dir: '/a$&b' }, 'image'), 'sqlite:/a$&b/image/image.db');
});

test('the default of every cloud setting is one that it would take', () => {
  for (const { setting } of settingsOf(cloudSettings))
    assert.deepEqual(setting.parse(setting.byDefault()), setting.byDefault());
});

test('numbers out of bounds, fractions and words are no integers', () => {
  const port = integer({ description: '', default: 1, min: 1, max: 65_535 });
  for (const wrong of [0, 65_536, 1.5, '1.5', 'x', '', null, true, Number.NaN])
    assert.throws(() => port.parse(wrong), TypeError, String(wrong));
});

test('a URL never shows its password, whatever is in it', () => {
  const database = url(['postgres:'], { description: '', default: 'postgres://x' });
  holds(
    property(string({ minLength: 1 }), (random) => {
      const password = `Q${encodeURIComponent(random.toWellFormed())}Z`;
      assert(!database.show(`postgres://user:${password}@host/db`).includes(password));
    }),
  );
});

test('the nearest word is the one with the fewest edits, or none', () => {
  assert.equal(nearest('sate_dir', ['state_dir', 'region']), 'state_dir');
  assert.equal(nearest('xyz', ['state_dir', 'region']), undefined);
});

test('lists, dictionaries and options read alike from a file and from one text', async (t) => {
  const richer = {
    image: {
      ports: list({ description: 'l', default: ['80'] }),
      backends: dictionary({ description: 'd', default: {} }),
      stores: options({ description: 'o', default: {}, secret: true }),
    },
  } as const;
  const written = {
    ports: ['80', '443'],
    backends: { a: 'file', b: 's3' },
    stores: { b: { key: 'hidden', weight: 2 } },
  };
  const name = await file(
    t,
    'image:\n  ports: [80, 443]\n  backends: { a: file, b: s3 }\n  stores:\n    b: { key: hidden, weight: 2 }\n',
  );
  assert.deepEqual({ ...(await loadConfig(richer, { file: name })).values.image }, written);
  const { values, show } = await loadConfig(richer, {
    environment: {
      CUMULET_IMAGE_PORTS: '80, 443',
      CUMULET_IMAGE_BACKENDS: 'a:file, b:s3',
      CUMULET_IMAGE_STORES: '{"b":{"key":"hidden","weight":2}}',
    },
  });
  assert.deepEqual({ ...values.image }, written);
  assert.doesNotMatch(JSON.stringify(show()), /hidden/);
  await assert.rejects(
    loadConfig(richer, {
      environment: {
        CUMULET_IMAGE_PORTS: '80',
        CUMULET_IMAGE_BACKENDS: 'a',
        CUMULET_IMAGE_STORES: '{"b":1}',
      },
    }),
    problems(/backends.*must be texts by name[^]*stores.*must be options by name/),
  );
  const open = await file(t, 'image:\n  stores: { b: { key: hidden } }\n', 0o644);
  await assert.rejects(loadConfig(richer, { file: open }), problems(/image.stores holds a secret/));
});
