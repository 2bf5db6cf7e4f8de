import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostRouter } from '../../driver.ts';
import { type Account, end, endDaemon, replaceFile, running } from '../daemons.ts';
import { routerNamespace, runtimeDirectory } from '../names.ts';
import type { Namespaces } from '../namespaces.ts';
import { advertisementConfiguration } from './configuration.ts';

export const advertisementRoot = (tag: string): string => join(runtimeDirectory(tag), 'ra');

const markOf = (directory: string) => ({
  pidFile: join(directory, 'pid'),
  argument: `--config=${directory}/`,
});

export const endAdvertiser = (directory: string): Promise<boolean> => endDaemon(markOf(directory));

/**
 * Makes one router's radvd run with what is wanted: nothing to do, a SIGHUP when that differs (an end would tell guests
 * that their router is gone), else a new one.
 *
 * @param inode of the router's namespace
 * @returns how many changes it took
 */
export async function reconcileAdvertiser(
  namespaces: Namespaces,
  tag: string,
  account: Account,
  router: HostRouter,
  inode: number,
): Promise<number> {
  const directory = join(advertisementRoot(tag), router.id);
  const wanted = advertisementConfiguration(router);
  if (wanted === undefined) return 0;
  const [there, loaded] = await Promise.all([
    running(markOf(directory)),
    readFile(join(directory, 'loaded'), 'utf8').catch(() => undefined),
  ]);
  const isHere = there?.inode === inode;
  if (isHere && loaded === wanted) return 0;
  // radvd, no longer root, must get through to its file.
  await mkdir(directory, { recursive: true, mode: 0o711 });
  await replaceFile(join(directory, 'radvd.conf'), wanted, account);
  if (there && isHere) process.kill(there.pid, 'SIGHUP');
  else {
    if (there) await end(there.pid);
    await namespaces.run(routerNamespace(tag, router.id), [
      'radvd',
      `--config=${directory}/radvd.conf`,
      `--pidfile=${directory}/pid`,
      `--username=${account.name}`,
      '--logmethod=logfile',
      `--logfile=${directory}/log`,
    ]);
  }
  // Last: who is killed before this does it again.
  await replaceFile(join(directory, 'loaded'), wanted, account);
  return 1;
}

/** Ends those of routers that advertise nothing any more, and removes their files. @returns how many */
export async function removeAdvertisers(tag: string, routers: readonly HostRouter[]): Promise<number> {
  const wanted = new Set(
    routers.filter((router) => advertisementConfiguration(router) !== undefined).map(({ id }) => id),
  );
  const gone = (await readdir(advertisementRoot(tag)).catch(() => [])).filter((id) => !wanted.has(id));
  for (const id of gone) {
    const directory = join(advertisementRoot(tag), id);
    await endAdvertiser(directory);
    await rm(directory, { recursive: true, force: true });
  }
  return gone.length;
}
