import { run } from '../src/platform/exec/run.ts';

/** What runs the suites: Debian's own packages, unmodified, and Debian's Python, whatever else the PATH has. */
export const python = '/usr/bin/python3';
export const stestr = '/usr/bin/stestr';
const needed = [
  'tempest',
  'python3-tempest',
  'python3-stestr',
  'python3-subunit',
  'python3-testtools',
  'keystone-tempest-plugin',
  'glance-tempest-plugin',
];

/** @throws Error with the apt line that installs what is missing */
export async function assertInstalled(): Promise<void> {
  const { stdout } = await run(['dpkg-query', '-W', '-f', '${Package} ${db:Status-Abbrev}\n', ...needed], {
    accept: [0, 1],
  });
  const missing = needed.filter((name) => !new RegExp(`^${name} ii`, 'm').test(stdout));
  if (missing.length === 0) return;
  throw new Error(
    `Tempest is not installed whole. As root: apt-get install -y --no-install-recommends ${missing.join(' ')}`,
  );
}
