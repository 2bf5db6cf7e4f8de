import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { run } from '../src/platform/exec/run.ts';

/** How to get in, as an openrc says it. */
export interface Access {
  authUrl: string;
  username: string;
  password: string;
  project: string;
  userDomain: string;
  projectDomain: string;
  region: string;
}

/** @throws Error naming what the file lacks */
export function readOpenrc(path: string): Access {
  return parseOpenrc(readFileSync(path, 'utf8'), path);
}

/** Reads `export NAME=value` lines, several to a line too, quoted or not; nothing in them is executed. */
export function parseOpenrc(text: string, origin: string): Access {
  const values = new Map<string, string>();
  for (const [, name = '', quoted, plain] of text.matchAll(/\b(OS_\w+)=(?:(['"].*?['"])(?=\s|$)|(\S*))/gm)) {
    values.set(name, quoted?.slice(1, -1) ?? plain ?? '');
  }
  const read = (name: string, otherwise?: string): string => {
    const value = values.get(name) ?? otherwise;
    if (value === undefined) throw new Error(`${origin} does not set ${name}`);
    return value;
  };
  return {
    authUrl: read('OS_AUTH_URL').replace(/\/+$/, '').replace(/\/v3$/, ''),
    username: read('OS_USERNAME'),
    password: read('OS_PASSWORD'),
    project: read('OS_PROJECT_NAME'),
    userDomain: read('OS_USER_DOMAIN_NAME', 'Default'),
    projectDomain: read('OS_PROJECT_DOMAIN_NAME', 'Default'),
    region: read('OS_REGION_NAME', 'RegionOne'),
  };
}

export interface StartedCloud {
  access: Access;
  /** Ends the cloud and takes away all that it made. */
  stop(): Promise<void>;
}

/** Rules about passwords as short as tests can wait for: upstream's own gate sets the same. */
const strictPasswords = {
  CUMULET_IDENTITY_LOCKOUT_FAILURE_ATTEMPTS: '2',
  CUMULET_IDENTITY_LOCKOUT_DURATION: '5',
  CUMULET_IDENTITY_UNIQUE_LAST_PASSWORD_COUNT: '2',
};

/** Starts a fresh cloud of this checkout in `folder`, on ports that are free. */
export async function startCloud(
  root: string,
  folder: string,
  { real }: { real: boolean },
): Promise<StartedCloud> {
  const cumulet = join(root, 'bin/cumulet');
  const state = join(folder, 'state');
  const offset = await freeOffset();
  const stop = async () => {
    await run([cumulet, 'down', '--state-dir', state], { deadline: 120_000 });
    await run([cumulet, 'destroy', '--yes', '--state-dir', state], { deadline: 120_000 });
  };
  try {
    await mkdir(state, { recursive: true, mode: 0o700 });
    await writeFile(join(state, 'cumulet.yaml'), settingsFor(offset), { mode: 0o600 });
    await mkdir(join(state, 'image'), { mode: 0o700 });
    await writeFile(join(state, 'image/policy.yaml'), imagePolicy, { mode: 0o600 });
    await run(
      [
        cumulet,
        'up',
        ...(real ? [] : ['--simulated']),
        '--state-dir',
        state,
        '--port-offset',
        String(offset),
        '--detach',
      ],
      { deadline: 300_000, env: strictPasswords },
    );
    return { access: readOpenrc(join(state, 'admin-openrc')), stop };
  } catch (error) {
    // A cloud that came up half must not stay behind; the first error is the one that counts.
    await stop().catch(() => {});
    throw error;
  }
}

/**
 * What the tests need to be set: a second image store, which only reads, and imports of the document that the
 * identity service answers with. The tests of several stores want them all written to by every import, so that a
 * second one that takes images would fail what the first one passes. Where an image's bytes are is shown, so that the
 * tests of locations run.
 */
const settingsFor = (offset: number): string => `image:
  enabled_backends: file:file, web:http
  show_multiple_locations: true
  allowed_ports: [80, 443, ${5000 + offset}]
`;

/**
 * The test of locations that are removed has an image's owner do it, which was upstream's rule until Wallaby, and is in
 * upstream's own gate, where deprecated rules count; today's default is that administrators do.
 */
const imagePolicy = `delete_image_location: rule:context_is_admin or (role:member and project_id:%(project_id)s)
`;

/** An offset at which none of the standard ports is taken now. */
async function freeOffset(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const offset = randomInt(100, 400) * 100;
    const ports = [5000, 6080, 8774, 8775, 8778, 9292, 9696].map((port) => port + offset);
    if (ports.every((port) => port < 65_536) && (await Promise.all(ports.map(isFree))).every(Boolean))
      return offset;
  }
  throw new Error('no free ports for a cloud were found');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
