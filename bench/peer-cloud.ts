import { readOpenrc } from '../conformance/cloud.ts';
import { type BenchCloud, connect } from './cloud.ts';
import { cpuSeconds, readPids, residentMib } from './processes.ts';

/**
 * A running OpenStack, to be measured beside.
 *
 * @param openrc how the administrator gets in: a file of `export OS_…` lines
 * @param pids a file of pids, or a folder of `NAME.pid`: all that serves its APIs; without it there is no word about
 *   its processors and its memory
 */
export async function joinPeer(openrc: string, pids: string | undefined): Promise<BenchCloud> {
  const roots = pids === undefined ? undefined : await readPids(pids);
  return {
    name: 'peer',
    stays: true,
    ...(await connect(readOpenrc(openrc))),
    cpuSeconds: async () => roots && cpuSeconds(roots),
    residentMib: async () => roots && residentMib(roots, 'Pss'),
    close: async () => {},
  };
}
